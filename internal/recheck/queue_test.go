// SPDX-License-Identifier: Apache-2.0

package recheck

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
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// soon is for a machine that is busy with other things.
const soon = 4 * time.Minute

// aSource is a source that never is anything else, and counts what it is asked for.
type aSource struct {
	*v1alpha1.LivepeerTaskSource
	mu sync.Mutex // guards it

	wakes, steps chan struct{}
}

func (s *aSource) Wake()     { s.wakes <- struct{}{} }
func (s *aSource) StepSoon() { s.steps <- struct{}{} }

func (s *aSource) Spec() *v1alpha1.LivepeerTaskSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.LivepeerTaskSource
}

var keyOfMain = types.NamespacedName{Namespace: "media", Name: "main"}

// newQueue returns an open queue that works until the test ends.
func newQueue(t *testing.T, api *kubetest.API) (*Queue, *aSource) {
	t.Helper()
	index := taskstore.NewIndex()
	source := &aSource{LivepeerTaskSource: api.Source, wakes: make(chan struct{}, 1000), steps: make(chan struct{}, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	q := NewQueue(&Config{
		Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: api}, api, index), Clock: clock.RealClock{}, Log: logr.Discard(),
		Pushed: prometheus.NewHistogram(prometheus.HistogramOpts{}), Gate: fair.NewGate(10, 10),
		Connect: func(context.Context, *v1alpha1.LivepeerTaskSource) (*Connection, error) {
			return connectTo(t, api.Source.Spec.URL), nil
		},
		Run: func(work func(context.Context)) bool {
			go work(ctx)
			return true
		},
	}, keyOfMain, source)
	q.Open()
	t.Cleanup(func() {
		q.Close()
		cancel()
		NewWithT(t).Eventually(q.Idle, soon).Should(BeTrue())
	})
	return q, source
}

func connectTo(t *testing.T, url string) *Connection {
	t.Helper()
	redactor := redact.New(livepeertest.APIKey)
	client, err := studio.New(studio.Config{
		BaseURL: url, Key: studio.NewKey(livepeertest.APIKey), Timeout: time.Minute, Redactor: redactor,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &Connection{Client: client, Redactor: redactor, Fingerprint: url}
}

// TestAnAnswerIsForWhoeverAsked: where a step asks anew for a missing task while the answer to an earlier one is still on its way,
// which may be another account's, it gets an answer to its own question.
func TestAnAnswerIsForWhoeverAsked(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	studio.Populate(1, 1)
	id := studio.IDs()[0]
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-answer
		http.Error(w, `{"errors":["not found"]}`, http.StatusNotFound)
	}))
	t.Cleanup(old.Close)
	now := httptest.NewServer(studio)
	t.Cleanup(now.Close)
	q, _ := newQueue(t, kubetest.NewAPI(now.URL))
	ask := func(url string) chan Result {
		asking := q.NewAsking(plan.Missing, connectTo(t, url+"/api"))
		asking.Ask(id)
		return asking.answers
	}
	first := ask(old.URL)
	<-asked
	second := ask(now.URL)
	close(answer)
	var got Result
	g.Eventually(second, soon).Should(Receive(&got))
	g.Expect(got.Verdict).To(Equal(plan.Write))
	g.Expect(first).NotTo(Receive())
}

// TestTooMuchIsLeftToTheSource: beyond what is cheaper one by one, pushes become one poll, and edits by others one full sync.
func TestTooMuchIsLeftToTheSource(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	server := httptest.NewServer(studio)
	t.Cleanup(server.Close)
	q, source := newQueue(t, kubetest.NewAPI(server.URL))
	for n := range 2 * repairBurst {
		q.Recheck(string(rune('a'+n)), plan.ExternalChange)
	}
	g.Expect(source.steps).To(Receive())
	g.Expect(q.Handoff.TakeFullSync()).To(Equal(syncstate.WantedNow))
	g.Expect(q.Handoff.TakeFullSync()).To(BeZero())
	q.PollSoon()
	q.PollSoon()
	g.Expect(source.wakes).To(HaveLen(1))
	g.Expect(q.Handoff.Waiting()).To(BeTrue())
}

// TestABurstOfPushesBecomesAPoll: while Studio answers nothing, 200 pushed tasks wait for an answer. One more, and none of them does: a poll
// is made instead. Nobody was asked more than 8 questions.
func TestABurstOfPushesBecomesAPoll(t *testing.T) {
	g := NewWithT(t)
	var asked atomic.Int64
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	}))
	t.Cleanup(hanging.Close)
	q, source := newQueue(t, kubetest.NewAPI(hanging.URL))
	push := func(n int) { q.Push(fmt.Sprintf("52b0515e-0dba-4b08-a039-%012d", n), 0, time.Now()) }
	for n := range 200 {
		push(n)
	}
	g.Expect(q.Handoff.Waiting()).To(BeFalse())
	push(200)
	g.Expect(q.Handoff.Waiting()).To(BeTrue())
	g.Expect(source.wakes).To(Receive())
	q.mu.Lock()
	defer q.mu.Unlock()
	g.Expect(q.waiting[plan.Pushed]).To(BeEmpty())
	g.Expect(asked.Load()).To(BeNumerically("<=", 8))
	g.Expect(q.pushed).To(And(Equal(len(q.pending)), BeNumerically("<=", 8)), "what is under way, so that the next are asked for again")
}
