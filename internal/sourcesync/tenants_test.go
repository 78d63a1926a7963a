// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestANamespaceHasItsShareAndOthersToo: what one has under way, of listings and of questions, is bounded, and takes nothing from others.
func TestANamespaceHasItsShareAndOthersToo(t *testing.T) {
	engine := New(Config{})
	for name, gate := range map[string]*fair.Gate{"listings": engine.listings, "questions": engine.rechecks.Gate} {
		for _, namespace := range []string{"a", "b", "c"} {
			taken := 0
			for ok := true; ok && taken <= 100; taken++ {
				_, ok = gate.TryAcquire(types.NamespacedName{Namespace: namespace, Name: "main"})
			}
			if taken-1 != 32 {
				t.Errorf("%s of %s: %d", name, namespace, taken-1)
			}
		}
	}
}

// TestAHangingTenantKeepsNobodyWaiting: 500 sources of one namespace whose APIs accept and say nothing, with a time-out of 10
// minutes. Another namespace's sources are listed and polled meanwhile, and its tasks looked at. No more than its share of
// requests is under way for the one namespace, and its sources say that nothing is heard of them.
func TestAHangingTenantKeepsNobodyWaiting(t *testing.T) {
	g := NewWithT(t)
	var hanging atomic.Int32
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hanging.Add(1)
		defer hanging.Add(-1)
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	well := livepeertest.NewServer()
	well.Populate(20, 1)
	server := httptest.NewServer(well)
	t.Cleanup(server.Close)

	var later atomic.Int64 // nanoseconds
	now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	woken := &wakes{}
	engine := startEngine(t, server.URL, now, woken)

	of := func(namespace, name, url string) *v1alpha1.LivepeerTaskSource {
		source := kubetest.ASource()
		source.Namespace, source.Name, source.UID = namespace, name, types.UID(namespace+name)
		source.Spec.URL, source.Spec.Timeout.Duration, source.Spec.Interval.Duration = url+"/api", 10*time.Minute, time.Second
		return source
	}
	var tenants []*v1alpha1.LivepeerTaskSource
	for n := range 500 {
		tenants = append(tenants, of("many", fmt.Sprint(n), silent.URL))
		engine.Sync(tenants[n])
		engine.Recheck(keyOf(tenants[n]), "a task", plan.ExternalChange)
	}
	g.Eventually(hanging.Load, soon).Should(BeEquivalentTo(namespaceListings + namespaceQuestions))

	other := of("other", "main", server.URL)
	g.Eventually(func() bool { return engine.Sync(other).FullSyncAt.IsZero() }, soon).Should(BeFalse())
	before := len(well.Requests())
	g.Eventually(func() int {
		later.Add(int64(time.Second / 10))
		engine.Sync(other)
		return len(well.Requests()) - before
	}, soon).Should(BeNumerically(">", 5), "it is polled")
	id := well.IDs()[0]
	engine.Push(keyOf(other), id, 0, now())
	g.Eventually(func() bool { return woken.has(keyOf(other)) || len(well.Requests())-before > 6 }, soon).Should(BeTrue())

	later.Add(int64(time.Hour))
	for _, source := range tenants {
		report := engine.Sync(source)
		g.Expect(report.Silent).NotTo(BeNil())
		g.Expect(report.Silent.Message).To(ContainSubstring("No answer of " + source.Spec.URL))
	}
	g.Expect(hanging.Load()).To(BeEquivalentTo(namespaceListings + namespaceQuestions))
}

// startEngine returns an engine that works until the test ends.
func startEngine(t *testing.T, url string, now func() time.Time, woken *wakes) *Engine {
	t.Helper()
	return startEngineOn(t, kubetest.NewAPI(url), steppedClock{RealClock: clock.RealClock{}, now: now}, woken)
}

// startEngineOn returns one that writes to this API server.
func startEngineOn(t *testing.T, api *kubetest.API, by clock.WithDelayedExecution, woken *wakes) *Engine {
	t.Helper()
	index := taskstore.NewIndex()
	engine := New(Config{
		Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: api}, api, index), Clock: by,
		Log: logr.Discard(), Connect: connectTo(t), Wake: woken.add,
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = engine.Start(ctx)
	}()
	<-engine.Started()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return engine
}

// wakes are the sources that are to be synced.
type wakes struct {
	mu  sync.Mutex
	all map[types.NamespacedName]bool
}

func (w *wakes) add(key types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[types.NamespacedName]bool{}
	}
	w.all[key] = true
}

func (w *wakes) has(key types.NamespacedName) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[key]
}

// take reports whether a source is to be synced, and has it be so no longer.
func (w *wakes) take(key types.NamespacedName) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	woken := w.all[key]
	delete(w.all, key)
	return woken
}

// connectTo opens connections to the APIs that sources name.
func connectTo(t *testing.T) func(context.Context, *v1alpha1.LivepeerTaskSource) (*Connection, error) {
	t.Helper()
	var mu sync.Mutex
	open := map[types.NamespacedName]*Connection{}
	t.Cleanup(func() {
		for _, connection := range open {
			connection.Client.Close()
		}
	})
	return func(_ context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error) {
		mu.Lock()
		defer mu.Unlock()
		if known, ok := open[keyOf(source)]; ok {
			return known, nil
		}
		redactor := redact.New(livepeertest.APIKey)
		client, err := studio.New(studio.Config{
			BaseURL: source.Spec.URL, Key: studio.NewKey(livepeertest.APIKey), Timeout: source.Spec.Timeout.Duration, Redactor: redactor,
		})
		if err != nil {
			return nil, err
		}
		open[keyOf(source)] = &Connection{Client: client, Redactor: redactor, Fingerprint: source.Spec.URL}
		return open[keyOf(source)], nil
	}
}
