// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// soon is for a machine that is busy with other things.
const soon = 4 * time.Minute

// TestLargeTasksOfOneNamespace: its servers send large tasks that do not end, and take what turns its sources may have. Another namespace's
// large tasks are read meanwhile, and its own once the others have ended.
func TestLargeTasksOfOneNamespace(t *testing.T) {
	g := NewWithT(t)
	text := strings.Repeat("x", 100<<10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/hangs/") {
			_, _ = fmt.Fprintf(w, `{"id":"a","a":%q,"b":%q,"c":`, text, text)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		_, _ = fmt.Fprintf(w, `{"id":"a","a":%q,"b":%q}`, text, text)
	}))
	defer server.Close()
	sessions := NewSessions(nil, "test", studio.Hosts{}, studio.NewPool(), metrics.New(prometheus.NewRegistry(), nil))
	open := func(namespace, at string) *studio.Client {
		source := kubetest.ASource()
		source.Namespace, source.Spec.URL, source.Spec.Timeout.Duration = namespace, server.URL+at+"/api", time.Minute
		opened, err := sessions.dial(source, &corev1.Secret{Data: map[string][]byte{secretKeyAPIKey: []byte("key")}})
		g.Expect(err).NotTo(HaveOccurred())
		return opened.client
	}
	ctx, end := context.WithCancel(t.Context())
	var greedy sync.WaitGroup
	for range 40 {
		hanging := open("greedy", "/hangs")
		greedy.Go(func() { _, _ = hanging.Get(ctx, "a") })
	}
	turnsAreTaken(t, sessions, "greedy")

	_, err := open("other", "/well").Get(t.Context(), "a")
	g.Expect(err).NotTo(HaveOccurred())
	end()
	greedy.Wait()
	_, err = open("greedy", "/well").Get(t.Context(), "a")
	g.Expect(err).NotTo(HaveOccurred())
}

// TestLargeTasksOfManyNamespaces: the servers of eight take all turns that there are, and say nothing more, or a byte now and then. Another
// namespace's large task has one soon.
func TestLargeTasksOfManyNamespaces(t *testing.T) {
	g := NewWithT(t)
	text := strings.Repeat("x", 100<<10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/hangs/") {
			_, _ = fmt.Fprintf(w, `{"id":"a","a":%q,"b":%q}`, text, text)
			return
		}
		_, _ = fmt.Fprintf(w, `{"id":"a","a":%q,"b":%q,"c":`, text, text)
		for r.Context().Err() == nil {
			_, _ = fmt.Fprint(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}))
	defer server.Close()
	sessions := NewSessions(nil, "test", studio.Hosts{}, studio.NewPool(), metrics.New(prometheus.NewRegistry(), nil))
	open := func(namespace, at string) *studio.Client {
		source := kubetest.ASource()
		source.Namespace, source.Spec.URL, source.Spec.Timeout.Duration = namespace, server.URL+at+"/api", 10*time.Minute
		opened, err := sessions.dial(source, &corev1.Secret{Data: map[string][]byte{secretKeyAPIKey: []byte("key")}})
		g.Expect(err).NotTo(HaveOccurred())
		return opened.client
	}
	ctx, end := context.WithCancel(t.Context())
	var greedy sync.WaitGroup
	defer greedy.Wait()
	defer end()
	var said atomic.Value
	for n := range 40 {
		hanging := open(fmt.Sprint("greedy-", n%8), "/hangs")
		greedy.Go(func() {
			for ctx.Err() == nil {
				if _, err := hanging.Get(ctx, "a"); ctx.Err() == nil {
					said.Store(err.Error())
				}
			}
		})
	}
	turnsAreTaken(t, sessions, "any")
	began := time.Now()
	well := open("other", "/well")
	g.Eventually(func() error { // a busy machine may take longer than it waits for a turn
		_, err := well.Get(t.Context(), "a")
		return err
	}, soon).Should(Succeed())
	t.Logf("it took %s", time.Since(began))
	g.Eventually(said.Load, soon).Should(ContainSubstring("was postponed"))
}

// turnsAreTaken waits until a namespace has no turn for a large task.
func turnsAreTaken(t *testing.T, sessions *Sessions, namespace string) {
	t.Helper()
	NewWithT(t).Eventually(func() error {
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		release, err := sessions.large.Enter(short, types.NamespacedName{Namespace: namespace, Name: "main"}, func() {})
		if err == nil {
			release()
		}
		return err
	}, soon, time.Millisecond).Should(HaveOccurred(), "all turns are taken")
}
