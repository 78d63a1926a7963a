// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/backlog"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// crowd is many small accounts, each with a source in a namespace of its own.
type crowd struct {
	sources  []*v1alpha1.LivepeerTaskSource
	mirrored map[types.NamespacedName]bool
	url      string

	mu    sync.Mutex
	asked map[string]int // listings, by account
}

func newCrowd(t *testing.T, accounts, tasks int) *crowd {
	t.Helper()
	c, mux := &crowd{asked: map[string]int{}, mirrored: map[types.NamespacedName]bool{}}, http.NewServeMux()
	for n := range accounts {
		name, studio := fmt.Sprintf("s%d", n), livepeertest.NewServer()
		studio.Populate(tasks, uint64(n))
		mux.Handle("/"+name+"/", http.StripPrefix("/"+name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			c.asked[name]++
			c.mu.Unlock()
			studio.ServeHTTP(w, r)
		})))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.url = server.URL
	for n := range accounts {
		c.sources = append(c.sources, sourceAt(fmt.Sprintf("tenant-%d", n), fmt.Sprintf("%s/s%d", server.URL, n)))
	}
	return c
}

func sourceAt(namespace, url string) *v1alpha1.LivepeerTaskSource {
	source := kubetest.ASource()
	source.Namespace, source.UID = namespace, types.UID(namespace)
	source.Spec.URL, source.Spec.Timeout.Duration, source.Spec.Interval.Duration = url+"/api", 10*time.Minute, time.Second
	return source
}

// accounts counts those that were asked for their tasks.
func (c *crowd) accounts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked)
}

// listings counts the requests to all of them.
func (c *crowd) listings() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, asked := range c.asked {
		n += asked
	}
	return n
}

// synced has all sources synced that are to be, and counts those that are mirrored.
func (c *crowd) synced(engine *Engine) int {
	for _, source := range c.sources {
		if !engine.Sync(source).FullSyncAt.IsZero() {
			c.mirrored[keyOf(source)] = true
		}
	}
	return len(c.mirrored)
}

// patientClock is one by which nothing takes longer than a second: this machine may have many APIs seem silent.
type patientClock struct{ clock.RealClock }

func (c patientClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	if d > time.Second {
		d = time.Hour
	}
	return c.RealClock.AfterFunc(d, f)
}

// TestFirstSyncsShareTheMemory: 300 sources begin at once while the API server is slow. No more of them have read anything than there is room
// for. One that was mirrored before is polled meanwhile, and all are mirrored in the end.
func TestFirstSyncsShareTheMemory(t *testing.T) {
	g := NewWithT(t)
	c := newCrowd(t, 300, 4)
	api := kubetest.NewAPI(c.url)
	engine := startEngineOn(t, api, patientClock{}, &wakes{})
	early := newCrowd(t, 1, 5)
	g.Eventually(func() int { return early.synced(engine) }, soon).Should(Equal(1))

	stuck := make(chan struct{})
	free := sync.OnceFunc(func() { close(stuck) })
	t.Cleanup(free)
	api.Mu.Lock()
	api.Writing = func(_, _ *v1alpha1.LivepeerTask) { <-stuck }
	api.Mu.Unlock()
	const room, most = 128, 150 // some have read nothing that is new yet, and let others in
	g.Eventually(func() int { c.synced(engine); return c.accounts() }, soon).Should(BeNumerically(">=", room))
	before := early.listings()
	g.Eventually(func() int {
		c.synced(engine)
		early.synced(engine)
		return early.listings() - before
	}, soon).Should(BeNumerically(">", 3), "it is polled")
	g.Expect(c.accounts()).To(BeNumerically("<=", most))

	free()
	g.Eventually(func() int { return c.synced(engine) }, soon).Should(Equal(len(c.sources)))
}

// TestAPIsThatHangTakeNoRoom: sources in more namespaces than there is room for have APIs that accept and say nothing. Another one is
// mirrored all the same.
func TestAPIsThatHangTakeNoRoom(t *testing.T) {
	g := NewWithT(t)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	well := newCrowd(t, 1, 60)
	engine := startEngine(t, well.url, time.Now, &wakes{})
	for n := range 300 {
		engine.Sync(sourceAt(fmt.Sprintf("hanging-%d", n), silent.URL))
	}
	g.Eventually(func() int { return well.synced(engine) }, soon).Should(Equal(1))
}

// TestWhatIsNotWrittenTakesRoom, is told of, so that a restart looks for it again, and leaves the room to others once its source is forgotten,
// also in the middle of a step.
func TestWhatIsNotWrittenTakesRoom(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	server := httptest.NewServer(studio)
	t.Cleanup(server.Close)
	api := kubetest.NewAPI(server.URL)
	p := newProcess(t, api, time.Now)
	p.rest()
	studio.Populate(5, 1)
	api.Lose = 1
	p.of().rechecks.SyncSoon() // a poll needs no room for so little
	report := p.step()
	g.Expect([]any{report.Outcome.Reason, report.Behind}).To(Equal([]any{v1alpha1.ReasonWriteFailed, true}))

	writing, goOn := make(chan struct{}, 100), make(chan struct{})
	api.Writing = func(_, _ *v1alpha1.LivepeerTask) {
		writing <- struct{}{}
		<-goOn
	}
	s, key, gate := p.of(), keyOf(p.source()), p.engine.steps.Room
	s.mu.Lock()
	s.state.Schedule.RetryAt = time.Time{}
	s.mu.Unlock()
	p.sync()
	<-writing
	p.engine.Forget(key)
	close(goOn)
	g.Eventually(func() bool {
		all, shares := true, []*backlog.Share{}
		for _, namespace := range []string{"a", "b", "c"} {
			shares = append(shares, backlog.NewShare(gate, types.NamespacedName{Namespace: namespace}))
			all = shares[len(shares)-1].Fit(32*256<<10) && all
		}
		for _, share := range shares {
			share.Shrink(0)
		}
		return all
	}, soon, time.Millisecond).Should(BeTrue(), "the rest of the room is for those who have little")
}
