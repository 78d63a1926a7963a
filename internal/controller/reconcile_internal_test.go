// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/shard"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
)

var sources = v1alpha1.GroupVersion.WithResource("livepeertasksources").GroupResource()

// absentAPI has no source.
type absentAPI struct {
	*kubetest.API
	err error
}

func (a *absentAPI) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return a.err
}

// TestHowAReconcileEnds: what settles by itself is tried again without an error, which would be logged, and anything else with one.
func TestHowAReconcileEnds(t *testing.T) {
	for name, c := range map[string]struct {
		patch error
		known bool
		again time.Duration
		fails bool
	}{
		"well":                             {nil, true, 0, false},
		"changed meanwhile":                {apierrors.NewConflict(sources, "main", nil), true, writeRetry, false},
		"others of its namespace go first": {errCrowded, true, writeRetry, false},
		"deleted meanwhile":                {apierrors.NewNotFound(sources, "main"), true, 0, false},
		"the API server is broken":         {apierrors.NewInternalError(errors.New("etcd")), true, 0, true},
		"its tasks can't be read":          {errors.New("nothing is written"), false, unknownRetry, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			api := &patchedAPI{kubetest.NewAPI("http://127.0.0.1:1"), func(client.Object) error { return c.patch }}
			api.Source.Spec.Suspend = true // so that there is something to write at once
			r := reconcilerOf(t, api)
			r.known = func(string) bool { return c.known }
			result, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(api.Source)})
			g.Expect(result.RequeueAfter).To(Equal(c.again))
			g.Expect(err != nil).To(Equal(c.fails), "%v", err)
			if c.patch == nil {
				ready := meta.FindStatusCondition(api.Source.Status.Conditions, v1alpha1.ConditionReady)
				g.Expect(ready).To(HaveField("Reason", v1alpha1.ReasonSuspended))
				g.Expect(api.Source.Status.ObservedGeneration).To(Equal(api.Source.Generation))
			}
		})
	}
}

// TestAStatusIsWrittenSoonAfterTheAPIServerIsBack, however long it was away.
func TestAStatusIsWrittenSoonAfterTheAPIServerIsBack(t *testing.T) {
	g := NewWithT(t)
	broken := apierrors.NewInternalError(errors.New("etcd"))
	api := &patchedAPI{kubetest.NewAPI("http://127.0.0.1:1"), func(client.Object) error { return broken }}
	api.Source.Spec.Suspend = true
	r, again := reconcilerOf(t, api), options().RateLimiter
	request, away := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(api.Source)}, time.Duration(0)
	for away < time.Hour {
		_, err := r.Reconcile(t.Context(), request)
		g.Expect(err).To(HaveOccurred())
		away += again.When(request)
	}
	g.Expect(again.When(request)).To(BeNumerically("<=", time.Minute))
}

// TestASourceThatIsGoneIsForgotten, deleted or served by another shard from now on; not while it can't be asked for.
func TestASourceThatIsGoneIsForgotten(t *testing.T) {
	for _, c := range []struct {
		err  error
		gone bool
	}{{apierrors.NewNotFound(sources, "main"), true}, {errors.New("no answer"), false}} {
		g := NewWithT(t)
		api := &absentAPI{kubetest.NewAPI("http://127.0.0.1:1"), c.err}
		r := reconcilerOf(t, api)
		r.shard = shard.NewSources()
		r.meet(api.Source)
		key := client.ObjectKeyFromObject(api.Source)
		r.last[key] = &reported{uid: api.Source.UID}
		_, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
		g.Expect(err == nil).To(Equal(c.gone), "%v", err)
		g.Expect(r.shard.Serves(key)).To(Equal(!c.gone))
		g.Expect(r.last).To(HaveLen(map[bool]int{true: 0, false: 1}[c.gone]))
	}
}

// TestTheTimeOfTheLastPoll is written with what else has changed, or every 5 minutes, and never of what is not stored yet.
func TestTheTimeOfTheLastPoll(t *testing.T) {
	then := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ended := sourcesync.Report{Ended: true, Judged: true, Outcome: sourcesync.Outcome{Reason: v1alpha1.ReasonSynced, Message: "all is well"}}
	for name, c := range map[string]struct {
		polled  time.Duration // since then
		change  func(*sourcesync.Report)
		written time.Duration
	}{
		"nothing has changed":   {pollTimeRefresh - 1, func(*sourcesync.Report) {}, 0},
		"nothing for 5 minutes": {pollTimeRefresh, func(*sourcesync.Report) {}, pollTimeRefresh},
		"a clock was set back":  {-pollTimeRefresh, func(*sourcesync.Report) {}, -pollTimeRefresh},
		"something has changed": {time.Minute, func(r *sourcesync.Report) { r.Omitted = 1 }, time.Minute},
		"not stored yet":        {time.Hour, func(r *sourcesync.Report) { r.Omitted, r.Behind = 1, true }, 0},
		"never polled":          {0, func(r *sourcesync.Report) { r.Omitted, r.PolledAt = 1, time.Time{} }, 0},
		"under way":             {time.Hour, func(r *sourcesync.Report) { *r = sourcesync.Report{PolledAt: r.PolledAt} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			api := kubetest.NewAPI("http://127.0.0.1:1")
			r := reconcilerOf(t, api)
			report := func(report sourcesync.Report) {
				report.Generation = 1
				g.Expect(r.report(t.Context(), api.Source.DeepCopy(), &report)).To(Succeed())
			}
			first, next := ended, ended
			first.PolledAt, next.PolledAt = then, then.Add(c.polled)
			report(first)
			c.change(&next)
			before := api.Source.ResourceVersion
			report(next)
			g.Expect(api.Source.ResourceVersion != before).To(Equal(c.written != 0 || next.Omitted > 0), "nothing is written where nothing changed")
			g.Expect(api.Source.Status.LastPollTime.Time).To(BeTemporally("==", then.Add(c.written)))
		})
	}
}

// TestWhatWasWrittenLast is known to the next reconcile, whose cache may lag behind, and takes little memory.
func TestWhatWasWrittenLast(t *testing.T) {
	g := NewWithT(t)
	api := kubetest.NewAPI("http://127.0.0.1:1")
	api.Source.Labels = map[string]string{"a": "b"}
	meta.SetStatusCondition(&api.Source.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReceiving, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonListening,
	})
	api.Source.Status.Receiver = &v1alpha1.ReceiverStatus{Path: "/hooks/media/main"}
	r := reconcilerOf(t, api)
	cached := api.Source.DeepCopy()
	g.Expect(r.report(t.Context(), cached, &sourcesync.Report{Ended: true, Generation: 1, Omitted: 3})).To(Succeed())
	latest := r.latest(cached)
	g.Expect(latest.Status.Tasks.Omitted).To(BeEquivalentTo(3))
	g.Expect(latest.ResourceVersion).To(Equal(api.Source.ResourceVersion))
	g.Expect(r.lastReported(cached).source.Labels).To(BeEmpty())
	g.Expect(meta.FindStatusCondition(api.Source.Status.Conditions, v1alpha1.ConditionReady)).To(BeNil(), "the report does not judge")
	g.Expect(api.Source.Status.Receiver).To(BeNil(), "this operator has no receiver")
	g.Expect(meta.FindStatusCondition(api.Source.Status.Conditions, v1alpha1.ConditionReceiving)).To(BeNil())
}
