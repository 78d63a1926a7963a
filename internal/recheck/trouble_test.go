// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
)

// at is when something happened in Studio, in milliseconds since 1970.
const at = 1_587_667_200_000

// asked is a queue of a source whose Studio answers so, which counts the questions.
type asked struct {
	*Queue
	*kubetest.API

	source    *aSource
	questions atomic.Int32
}

func newAsked(t *testing.T, answer http.HandlerFunc) *asked {
	t.Helper()
	a := &asked{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.questions.Add(1)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	a.API = kubetest.NewAPI(server.URL)
	a.Queue, a.source = newQueue(t, a.API)
	return a
}

// ended waits until nothing is under way or waits for a worker.
func (a *asked) ended(g Gomega) {
	g.Eventually(func() int {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.workers
	}, soon, time.Millisecond).Should(BeZero())
}

// oneTask is a Studio with one task, which runs and was updated at that time.
func oneTask(id string, updatedAt int64) *livepeertest.Server {
	studio := livepeertest.NewServer()
	studio.Put(livepeertest.Task{
		"id": id, "type": "upload", "createdAt": at - 1000, "status": map[string]any{"phase": "running", "updatedAt": updatedAt},
	})
	return studio
}

// TestNobodyAsksInAPause: what is pushed or edited while Studio wants to be left alone is left to the poll or full sync after that.
func TestNobodyAsksInAPause(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, oneTask("a", at).ServeHTTP)
	pause := &syncstate.State{Schedule: syncstate.Schedule{RetryAt: time.Now().Add(time.Hour)}}
	a.Handoff.Publish(pause, false, time.Now())
	a.Push("a", at, time.Now())
	a.Recheck("a", plan.ExternalChange)
	a.ended(g)
	g.Expect(a.questions.Load()).To(BeZero())
	g.Expect(a.Handoff.TakeFullSync()).To(Equal(syncstate.WantedNow))

	a.Handoff.Begin(7)
	g.Expect(a.Handoff.retained()).To(Equal(syncstate.Retention{NotifyAfter: 7}))
	g.Expect(a.Handoff.leftAlone(time.Now())).To(BeFalse(), "a source that was made anew")
	a.Push("a", at, time.Now())
	a.ended(g)
	g.Expect(a.source.wakes).To(Receive(), "before its first step has ended, a step is to come")
	g.Expect(a.questions.Load()).To(BeZero())
}

// TestWithoutAConnection: an edit is left to a full sync, and a push to a poll, once the source can be connected to.
func TestWithoutAConnection(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, oneTask("a", at).ServeHTTP)
	a.Connect = func(context.Context, *v1alpha1.LivepeerTaskSource) (*Connection, error) {
		return nil, errors.New("no Secret")
	}
	a.Recheck("a", plan.ExternalChange)
	a.ended(g)
	g.Expect(a.source.steps).To(Receive())
	g.Expect(a.Handoff.TakeFullSync()).To(Equal(syncstate.WantedNow))
	a.Handoff.Listed(connectTo(t, a.Source.Spec.URL).Fingerprint, map[string]struct{}{"": {}})
	a.Push("a", at, time.Now())
	a.ended(g)
	g.Expect(a.source.wakes).To(Receive())
}

// TestAPushIsWrittenOnce: a task that is stored as it was when it was pushed is not asked for again.
func TestAPushIsWrittenOnce(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, oneTask("a", at).ServeHTTP)
	clock := clocktesting.NewFakeClock(time.Now())
	a.Clock = clock
	a.Handoff.Listed(connectTo(t, a.Source.Spec.URL).Fingerprint, map[string]struct{}{"": {}})
	for range 3 {
		a.Push("a", at, time.Now())
		a.ended(g)
		g.Expect(a.Tasks).To(HaveLen(1))
		g.Expect(a.questions.Load()).To(BeEquivalentTo(1))
	}
	a.Push("a", at+1, time.Now()) // which Studio does not show yet
	a.ended(g)
	for _, pause := range []time.Duration{150 * time.Millisecond, 600 * time.Millisecond, 2400 * time.Millisecond} {
		before := a.questions.Load()
		g.Expect(a.Idle()).To(BeFalse(), "it is asked for once more after a pause")
		clock.Step(pause)
		a.ended(g)
		g.Expect(a.questions.Load()).To(Equal(before + 1))
	}
	g.Expect(a.questions.Load()).To(BeEquivalentTo(5))
	g.Expect(a.Idle()).To(BeTrue(), "it is left to the next poll")
}

// TestAPushOfAnUnknownProject: whose it is nobody can tell, so that a poll decides.
func TestAPushOfAnUnknownProject(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, oneTask("a", at).ServeHTTP)
	a.Push("a", at, time.Now())
	a.ended(g)
	g.Expect(a.questions.Load()).To(BeEquivalentTo(1))
	g.Expect(a.Tasks).To(BeEmpty())
	g.Expect(a.source.wakes).To(Receive())
}

// TestAnAnswerAboutAnotherTask says nothing about the one that was asked for.
func TestAnAnswerAboutAnotherTask(t *testing.T) {
	for name, answer := range map[string]string{"another": `{"id":"b","type":"upload","status":{"phase":"running"}}`, "none": `{"type":"upload"}`} {
		g := NewWithT(t)
		a := newAsked(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
		a.Recheck("a", plan.ExternalChange)
		a.ended(g)
		g.Expect(a.questions.Load()).To(BeEquivalentTo(1), name)
		g.Expect(a.Tasks).To(BeEmpty(), name)
		g.Expect(a.Idle()).To(BeTrue(), name)
	}
}

// TestCloseEndsWhatIsUnderWay, and forgets what waits.
func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for n := range 20 {
		a.Recheck(string(rune('a'+n)), plan.ExternalChange)
	}
	g.Eventually(a.questions.Load, soon, time.Millisecond).Should(BeEquivalentTo(8))
	a.Close()
	g.Eventually(a.Idle, soon, time.Millisecond).Should(BeTrue())
	g.Expect(a.questions.Load()).To(BeEquivalentTo(8))
	a.mu.Lock()
	defer a.mu.Unlock()
	g.Expect(a.waiting[plan.ExternalChange]).To(BeEmpty())
}

// TestQuestionsEndWithTheEngine: whoever stops, or has lost the lease, waits for no answer.
func TestQuestionsEndWithTheEngine(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	engine, end := context.WithCancel(t.Context())
	a.Run = func(work func(context.Context)) bool {
		go work(engine)
		return true
	}
	a.Recheck("a", plan.ExternalChange)
	g.Eventually(a.questions.Load, soon, time.Millisecond).Should(BeEquivalentTo(1))
	end()
	g.Eventually(a.Idle, questionTimeout/2, time.Millisecond).Should(BeTrue())
}

// TestAFailureEndsTheRound: once a question of a step has failed, no more of them are asked until the step gives up; what fails late, of
// before that, is part of the same failure.
func TestAFailureEndsTheRound(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	asking := a.NewAsking(plan.Missing, connectTo(t, a.Source.Spec.URL))
	asking.Ask("a")
	result, ok, err := asking.Next(t.Context(), nil)
	g.Expect([]any{result.Verdict, ok, err}).To(Equal([]any{plan.Fail, true, nil}))
	asking.Ask("b")
	result, ok = asking.Come()
	g.Expect([]any{result.ID, result.NotAsked, ok}).To(Equal([]any{"b", true, true}))
	before := asking.round
	asking.GiveUp()
	a.mu.Lock()
	asking.answer(Result{ID: "late", Verdict: plan.Fail}, before)
	asking.open++
	failed := asking.failed
	a.mu.Unlock()
	g.Expect(failed).To(BeFalse())
	result, _ = asking.Come()
	g.Expect([]any{result.ID, result.NotAsked}).To(Equal([]any{"late", true}))
	g.Expect(asking.Open()).To(BeFalse())
	g.Expect(a.questions.Load()).To(BeEquivalentTo(1))
}

// TestAskedForAgain: a task waits once for each reason, for its newest update, and at once where it only waited for a pause to end.
func TestAskedForAgain(t *testing.T) {
	g := NewWithT(t)
	clock := clocktesting.NewFakeClock(time.Now())
	q := NewQueue(&Config{Clock: clock}, keyOfMain, &aSource{}) // which is not open: nobody works
	push := func(updatedAt int64) *question {
		q.Push("a", updatedAt, clock.Now())
		return q.pending[questionKey{"a", plan.Pushed}]
	}
	push(7).asked = 2
	newer := push(9)
	g.Expect([]int{int(newer.wanted), newer.asked}).To(Equal([]int{9, 0}), "a newer update has all its attempts")
	newer.asked = 2
	older := push(8)
	g.Expect([]int{int(older.wanted), older.asked}).To(Equal([]int{9, 2}), "an older one has none")
	again := push(9)
	g.Expect([]int{int(again.wanted), again.asked}).To(Equal([]int{9, 2}), "nor the same once more")
	g.Expect(q.waiting[plan.Pushed]).To(HaveLen(1))

	taken := func() *question {
		q.waiting[plan.Pushed] = nil // as a worker does
		question := *q.pending[questionKey{"a", plan.Pushed}]
		return &question
	}
	q.done(taken(), followUp{pause: time.Minute, failures: 3})
	g.Expect(q.pending[questionKey{"a", plan.Pushed}].failures).To(Equal(3), "so that the next pause is longer")
	g.Expect(q.pending[questionKey{"a", plan.Pushed}].asked).To(Equal(3), "so that there is a last")
	push(9)
	push(9)
	g.Expect(q.waiting[plan.Pushed]).To(HaveLen(1))
	clock.Step(time.Hour)
	g.Expect(q.waiting[plan.Pushed]).To(HaveLen(1), "the pause ends while it waits")
	q.done(taken(), followUp{pause: time.Minute})
	g.Expect(q.waiting[plan.Pushed]).To(BeEmpty())
	clock.Step(time.Minute)
	g.Expect(q.waiting[plan.Pushed]).To(HaveLen(1), "the pause is over")
	q.done(taken(), followUp{})
	g.Expect(q.pending).To(BeEmpty())
	g.Expect(q.pushed).To(BeZero())
}

// TestTheScopeOfAPush is that of a step: what history has pruned does not come back, and what is old is no news.
func TestTheScopeOfAPush(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, oneTask("a", at).ServeHTTP)
	retention := syncstate.Retention{Cutoff: mirror.Stamp{UpdatedAt: 5}, NotifyAfter: 7}
	a.Handoff.Publish(&syncstate.State{Retention: retention}, false, time.Now())
	scope := a.scopeOf(a.Source, &question{why: plan.Pushed}, &mirror.Observation{
		ID: "a", Status: v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseFailed},
	})
	g.Expect([]any{scope.OldestNew, scope.NotifyAfter}).To(Equal([]any{retention.Cutoff, int64(7)}))
}
