// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestAnswerOf: what an error of Studio's says of the task that was asked for. Only 404 says that it is gone.
func TestAnswerOf(t *testing.T) {
	for want, errs := range map[plan.Answer][]error{
		plan.NotFound:   {&studio.Error{Kind: studio.NotFound, Status: http.StatusNotFound}},
		plan.NotShown:   {&studio.Error{Kind: studio.Forbidden, Status: http.StatusForbidden}},
		plan.Limited:    {&studio.Error{Kind: studio.RateLimited, Status: http.StatusTooManyRequests}},
		plan.Unreadable: {&studio.Error{Kind: studio.Unavailable, Status: http.StatusInternalServerError}},
		plan.Failed: {
			&studio.Error{Kind: studio.Unavailable, Status: http.StatusBadGateway}, &studio.Error{Kind: studio.Unavailable},
			&studio.Error{Kind: studio.Unauthorized, Status: http.StatusUnauthorized}, errors.New("no connection"), context.Canceled,
		},
	} {
		for _, err := range errs {
			if got := answerOf(fmt.Errorf("task: %w", err)); got != want {
				t.Errorf("%#v: %d, want %d", err, got, want)
			}
		}
	}
}

// TestStudioIsLeftAlone where it wants that, whatever it was asked about.
func TestStudioIsLeftAlone(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	a.Recheck("a", plan.ExternalChange)
	a.ended(g)
	g.Expect(a.Handoff.leftAlone(time.Now().Add(5 * time.Minute))).To(BeTrue())
	g.Expect(a.Handoff.leftAlone(time.Now().Add(15 * time.Minute))).To(BeFalse())
	g.Expect(a.Handoff.TakeFullSync()).To(Equal(syncstate.WantedNow), "which puts it right later")
	a.Push("a", 0, time.Now())
	a.ended(g)
	g.Expect(a.questions.Load()).To(BeEquivalentTo(1))

	a = newAsked(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := a.AskAll(t.Context(), &Batch{Why: plan.Stalled, IDs: []string{"a"}, Connection: connectTo(t, a.Source.Spec.URL), Heard: func() {}})
	g.Expect(err).NotTo(HaveOccurred(), "no step fails for want of it")
	g.Expect(a.Handoff.leftAlone(time.Now().Add(5*time.Minute))).To(BeTrue(), "nor is Studio asked more")
}

// TestWhatAPushBrings: history is told of one too many, and the metric of how long it took.
func TestWhatAPushBrings(t *testing.T) {
	g := NewWithT(t)
	server := oneTask("a", at)
	server.Update("a", func(task livepeertest.Task) { task["status"] = map[string]any{"phase": "failed", "updatedAt": at} })
	a := newAsked(t, server.ServeHTTP)
	a.Handoff.Listed(connectTo(t, a.Source.Spec.URL).Fingerprint, map[string]struct{}{"": {}})
	a.Source.Spec.History.MaxTasks = ptr.To[int32](1)
	var pushed atomic.Int32
	a.Pushed = prometheus.ObserverFunc(func(float64) { pushed.Add(1) })
	a.Push("a", at, time.Now())
	a.ended(g)
	g.Expect(a.Tasks).To(HaveLen(1))
	g.Expect(a.Handoff.TakeOverfull()).To(BeFalse(), "there is room for one")
	g.Expect(pushed.Load()).To(BeEquivalentTo(1))

	a.Source.Spec.History.MaxTasks = ptr.To[int32](0)
	task := a.Tasks["a"].DeepCopy()
	a.Version++
	task.Status.Phase, task.ResourceVersion = "edited", fmt.Sprint(a.Version)
	a.Tasks["a"] = task
	a.Index.Observe(task)
	a.Recheck("a", plan.ExternalChange)
	a.ended(g)
	g.Expect(a.Tasks["a"].Status.Phase).To(Equal("failed"))
	g.Expect(a.Handoff.TakeOverfull()).To(BeTrue(), "there is room for none")
	g.Expect(pushed.Load()).To(BeEquivalentTo(1), "it was no push")
}

// refusing is an API server that answers every write and read with an error.
type refusing struct {
	*kubetest.API
	err error
}

func (r *refusing) Create(context.Context, client.Object, ...client.CreateOption) error { return r.err }

func (r *refusing) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return r.err
}

// TestWritesThatFail are tried again after pauses that grow; those of pushes a few times, and those that there is no place for, or that are
// refused, not. What is refused is reported by the next poll, if Studio has just changed it, and otherwise by a full sync.
func TestWritesThatFail(t *testing.T) {
	kind := v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource()
	for name, c := range map[string]struct {
		err      error
		ask      question
		pause    time.Duration
		failures int
		fullSync syncstate.Wanted
	}{
		"the first time":  {apierrors.NewServiceUnavailable("out"), question{why: plan.ExternalChange}, time.Second, 1, 0},
		"the fourth time": {apierrors.NewServiceUnavailable("out"), question{why: plan.ExternalChange, failures: 3}, 8 * time.Second, 4, 0},
		"for long":        {apierrors.NewServiceUnavailable("out"), question{why: plan.ExternalChange, failures: 40}, 5 * time.Minute, 41, 0},
		"of a push":       {apierrors.NewServiceUnavailable("out"), question{why: plan.Pushed, asked: 1}, 600 * time.Millisecond, 0, 0},
		"of a late push":  {apierrors.NewServiceUnavailable("out"), question{why: plan.Pushed, asked: 3}, 0, 0, 0},
		"no CRD":          {apierrors.NewNotFound(kind, ""), question{why: plan.ExternalChange}, 0, 0, syncstate.WantedNow},
		"refused":         {apierrors.NewBadRequest("no " + livepeertest.APIKey), question{why: plan.ExternalChange}, 0, 0, syncstate.WantedSoon},
		"a push refused":  {apierrors.NewBadRequest("no"), question{why: plan.Pushed}, 0, 0, 0},
	} {
		g := NewWithT(t)
		a := newAsked(t, oneTask("a", at).ServeHTTP)
		storage := &refusing{a.API, c.err}
		a.Writer = taskstore.NewWriter(kubetest.Storage{Client: storage}, storage, a.Index)
		observation := &mirror.Observation{ID: "a", Spec: v1alpha1.LivepeerTaskSpec{ID: "a", Type: "upload"}}
		logged := ""
		a.Log = funcr.New(func(_, line string) { logged += line }, funcr.Options{})
		pause, failures := a.write(t.Context(), a.Source, connectTo(t, a.Source.Spec.URL), &c.ask, observation)
		g.Expect([]any{pause, failures}).To(Equal([]any{c.pause, c.failures}), name)
		g.Expect(a.Handoff.TakeFullSync()).To(Equal(c.fullSync), name)
		g.Expect(logged != "").To(Equal(apierrors.IsBadRequest(c.err)), name)
		g.Expect(logged).NotTo(ContainSubstring(livepeertest.APIKey))
	}
}

// TestWhatIsGoneIsLeftToAFullSync: what somebody edited or made anew, and is gone in Studio, is left to a full sync, which comes soon. What is going already, was
// never stored, or is another source's asks for none.
func TestWhatIsGoneIsLeftToAFullSync(t *testing.T) {
	for name, c := range map[string]struct {
		stored *v1alpha1.LivepeerTask
		want   syncstate.Wanted
	}{
		"stored":    {kubetest.ATask("a", "main", 10), syncstate.WantedSoon},
		"nothing":   {kubetest.ATask("b", "main", 10), syncstate.NotWanted},
		"another's": {kubetest.ATask("a", "other", 10), syncstate.NotWanted},
		"going": {kubetest.ATask("a", "main", 10, func(task *v1alpha1.LivepeerTask) {
			task.DeletionTimestamp = &metav1.Time{Time: time.Now()}
		}), syncstate.NotWanted},
	} {
		g := NewWithT(t)
		a := newAsked(t, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"errors":["not found"]}`, http.StatusNotFound)
		})
		a.Index.See(c.stored)
		a.Recheck("a", plan.ExternalChange)
		a.ended(g)
		g.Expect(a.questions.Load()).To(BeEquivalentTo(1), name)
		g.Expect(a.Handoff.TakeFullSync()).To(Equal(c.want), name)
	}
}

// TestUpToDate: a task that is stored as it was pushed is so only where nothing of it is to be put right.
func TestUpToDate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*v1alpha1.LivepeerTask)
		wanted int64
		want   bool
	}{
		"as new":            {func(*v1alpha1.LivepeerTask) {}, at, true},
		"newer":             {func(*v1alpha1.LivepeerTask) {}, at - 1, true},
		"older":             {func(*v1alpha1.LivepeerTask) {}, at + 1, false},
		"no time was named": {func(*v1alpha1.LivepeerTask) {}, 0, false},
		"another source's":  {func(task *v1alpha1.LivepeerTask) { task.OwnerReferences[0].UID = "another" }, at, false},
		"edited":            {func(task *v1alpha1.LivepeerTask) { task.Generation = 2 }, at, false},
		"being deleted":     {func(task *v1alpha1.LivepeerTask) { task.DeletionTimestamp = new(metav1.Unix(at/1000, 0)) }, at, false},
		"another ID":        {func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "A" }, at, false},
	} {
		a := newAsked(t, oneTask("a", at).ServeHTTP)
		task := kubetest.ATask("a", "main", 10, func(task *v1alpha1.LivepeerTask) {
			task.Status.UpdatedAt = new(metav1.NewMicroTime(time.UnixMilli(at)))
		}, c.change)
		a.Index.See(task)
		if got := a.upToDate(a.Source, "a", c.wanted); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestTheScopeByWhy: history bounds what Studio pushed. What others edited was within its limits, and is bounded by its age alone.
func TestTheScopeByWhy(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, oneTask("a", at).ServeHTTP)
	a.Source.Spec.History.MaxTasks = ptr.To[int32](2)
	a.Source.Spec.History.MaxAge = &metav1.Duration{Duration: time.Hour}
	for n, name := range []string{"a", "b", "c"} {
		a.Index.See(kubetest.ATask(name, "main", 10+n, kubetest.InPhase(v1alpha1.PhaseFailed), func(task *v1alpha1.LivepeerTask) {
			task.Status.UpdatedAt = new(metav1.NewMicroTime(time.UnixMilli(time.Now().UnixMilli() + int64(1000*n))))
		}))
	}
	scope := func(why plan.Why, phase string) plan.Scope {
		return a.scopeOf(a.Source, &question{why: why}, &mirror.Observation{ID: "d", Status: v1alpha1.LivepeerTaskStatus{Phase: phase}})
	}
	g.Expect(scope(plan.Pushed, v1alpha1.PhaseFailed).Oldest.ID).To(Equal("b"), "the newest two")
	g.Expect(scope(plan.Pushed, v1alpha1.PhaseRunning).Oldest).To(BeZero())
	g.Expect(scope(plan.ExternalChange, v1alpha1.PhaseRunning).Oldest).To(BeZero())
	edited := scope(plan.ExternalChange, v1alpha1.PhaseFailed).Oldest
	g.Expect(edited.ID).To(BeEmpty())
	g.Expect(time.Since(time.UnixMilli(edited.UpdatedAt))).To(BeNumerically("~", time.Hour, time.Minute))

	a.Source.Spec.History.MaxTasks = ptr.To[int32](20)
	g.Expect(scope(plan.Pushed, v1alpha1.PhaseFailed).OldestNew).To(BeZero(), "there is room")
	a.Source.Status.Tasks.Omitted = 1
	g.Expect(scope(plan.Pushed, v1alpha1.PhaseFailed).OldestNew.ID).To(Equal("a"), "a full sync has left out what is older")
}

// TestAskAll: all that is asked for is answered, until something fails or something else is due.
func TestAskAll(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/task/down" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	})
	heard := 0
	batch := func(ids ...string) *Batch {
		return &Batch{Why: plan.Missing, IDs: ids, Connection: connectTo(t, a.Source.Spec.URL), Heard: func() { heard++ }}
	}
	var many []string
	for n := range 2*maxAsking + 5 {
		many = append(many, fmt.Sprintf("id-%d", n))
	}
	results, err := a.AskAll(t.Context(), batch(many...))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(results).To(And(HaveLen(len(many)), HaveEach(HaveField("Verdict", plan.Gone))))
	g.Expect([]int{heard, int(a.questions.Load())}).To(Equal([]int{len(many), len(many)}))

	_, err = a.AskAll(t.Context(), batch("down"))
	g.Expect(err).To(HaveOccurred())

	due := make(chan time.Time)
	close(due)
	hanging := newAsked(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	until := batch(many...)
	until.Until, until.Connection = due, connectTo(t, hanging.Source.Spec.URL)
	results, err = hanging.AskAll(t.Context(), until)
	g.Expect([]any{len(results), err}).To(Equal([]any{0, nil}))
	hanging.mu.Lock()
	defer hanging.mu.Unlock()
	g.Expect(hanging.waiting[plan.Missing]).To(BeEmpty(), "nobody waits for those any more")
}

// TestAnEditIsNotForgottenForAnOldAnswer: Studio's replica does not show yet what is stored, so that nothing can be put right by its answer. It
// is asked again, a few times and soon, and then a full sync comes soon. No poll would show the task.
func TestAnEditIsNotForgottenForAnOldAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		behind int // so many answers
		phase  string
		want   syncstate.Wanted
	}{
		"for a moment": {2, v1alpha1.PhaseRunning, syncstate.NotWanted},
		"for long":     {100, "edited", syncstate.WantedSoon},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			studio, answers := oneTask("a", at-1000), 0
			a := newAsked(t, func(w http.ResponseWriter, r *http.Request) {
				if answers++; answers > c.behind {
					studio.Update("a", func(task livepeertest.Task) {
						task["status"] = map[string]any{"phase": v1alpha1.PhaseRunning, "updatedAt": at}
					})
				}
				studio.ServeHTTP(w, r)
			})
			a.Clock = quickly{}
			edited := kubetest.ATask("a", "main", 10, func(task *v1alpha1.LivepeerTask) {
				task.Generation, task.Status.UpdatedAt, task.Status.ErrorMessage = 2, new(metav1.NewMicroTime(time.UnixMilli(at))), "edited"
				task.Status.Phase = "edited"
			})
			a.Tasks["a"] = edited
			a.Index.See(edited)
			a.Recheck("a", plan.ExternalChange)
			g.Eventually(a.Idle, soon).Should(BeTrue())
			g.Expect(a.Tasks["a"].Status.Phase).To(Equal(c.phase))
			g.Expect(a.Handoff.TakeFullSync()).To(Equal(c.want))
			g.Expect(answers).To(BeNumerically("<=", 4))
		})
	}
}

// quickly is the real clock, with pauses of milliseconds.
type quickly struct{ clock.RealClock }

func (q quickly) AfterFunc(d time.Duration, f func()) clock.Timer {
	return q.RealClock.AfterFunc(d/1000, f)
}
