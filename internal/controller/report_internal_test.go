// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// patchedAPI has a say in the writes of statuses.
type patchedAPI struct {
	*kubetest.API
	patch func(source client.Object) error
}

func (a *patchedAPI) Status() client.SubResourceWriter {
	return &patchedStatus{a.API.Status(), a.patch}
}

type patchedStatus struct {
	client.SubResourceWriter
	patch func(source client.Object) error
}

func (s *patchedStatus) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	if err := s.patch(obj); err != nil {
		return err
	}
	return s.SubResourceWriter.Patch(ctx, obj, patch, opts...)
}

// TestAnEarlierSourceIsNotToldOf: a source is deleted and made again, as by kubectl replace --force, before it is reconciled. What could not
// be written of the earlier one, which was gone, is not said of this one: it would count as listed after a restart.
func TestAnEarlierSourceIsNotToldOf(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	studio.Populate(3, 1)
	var hangs atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hangs.Load() {
			<-r.Context().Done()
			return
		}
		studio.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	var gone atomic.Bool
	api := &patchedAPI{kubetest.NewAPI(web.URL), func(client.Object) error {
		if gone.Load() {
			return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("livepeertasksources").GroupResource(), "main")
		}
		return nil
	}}
	r := reconcilerOf(t, api)
	key := client.ObjectKeyFromObject(api.Source)
	reconciled := func() {
		_, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
		g.Expect(err).NotTo(HaveOccurred())
	}
	failed := func() bool {
		reconciled()
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.last[key].failed
	}
	handled := func() string {
		reconciled()
		return api.Source.Status.LastHandledReconcileAt
	}
	api.Annotate(v1alpha1.AnnotationRequestedAt, "first")
	g.Eventually(handled, soon, time.Millisecond).Should(Equal("first"))
	gone.Store(true)
	api.Annotate(v1alpha1.AnnotationRequestedAt, "second")
	g.Eventually(failed, soon, time.Millisecond).Should(BeTrue())

	hangs.Store(true)
	gone.Store(false)
	api.Mu.Lock()
	again := kubetest.ASource()
	again.Spec, again.UID, again.ResourceVersion = api.Source.Spec, "another", "5000"
	again.Status.ObservedGeneration = -1 // the default of the CRD
	api.Source = again
	api.Mu.Unlock()
	reconciled()
	g.Expect(api.Source.Status.LastFullSyncTime).To(BeNil())
	g.Expect(api.Source.Status.LastHandledReconcileAt).To(BeEmpty())
	g.Expect(api.Source.Status.ObservedGeneration).To(BeEquivalentTo(-1))
	r.forget(key)
}

// breaking is an API server that takes no status while it is broken.
func breaking(broken *bool) *patchedAPI {
	return &patchedAPI{kubetest.NewAPI("http://127.0.0.1:1"), func(client.Object) error {
		if *broken {
			return apierrors.NewInternalError(errors.New("etcd"))
		}
		return nil
	}}
}

// TestSilenceIsLaterThanWhatCouldNotBeWritten: how the last step went could not be written, and the API has been silent since.
func TestSilenceIsLaterThanWhatCouldNotBeWritten(t *testing.T) {
	g := NewWithT(t)
	broken := true
	api := breaking(&broken)
	r := reconcilerOf(t, api)
	report := func(report *sourcesync.Report) error { return r.report(t.Context(), api.Source.DeepCopy(), report) }
	well := sourcesync.Outcome{Reason: v1alpha1.ReasonSynced, Message: "all is well"}
	g.Expect(report(&sourcesync.Report{Ended: true, Generation: api.Source.Generation, Judged: true, Outcome: well, Omitted: 7})).NotTo(Succeed())

	broken = false
	silent := &condition.Error{Reason: v1alpha1.ReasonUnavailable, Message: "no answer"}
	g.Expect(report(&sourcesync.Report{Silent: silent})).To(Succeed())
	ready := meta.FindStatusCondition(api.Source.Status.Conditions, v1alpha1.ConditionReady)
	g.Expect(ready).To(HaveField("Reason", v1alpha1.ReasonUnavailable))
	g.Expect(api.Source.Status.Tasks.Omitted).To(BeEquivalentTo(7), "what could not be written")

	g.Expect(report(&sourcesync.Report{})).To(Succeed())
	ready = meta.FindStatusCondition(api.Source.Status.Conditions, v1alpha1.ConditionReady)
	g.Expect(ready).To(HaveField("Reason", v1alpha1.ReasonUnavailable), "no step has ended since")
}

// TestWhatCouldNotBeWritten is written with the next reconcile, unless another step has ended since, or the spec is another.
func TestWhatCouldNotBeWritten(t *testing.T) {
	for name, c := range map[string]struct {
		generation int64
		report     sourcesync.Report
		omitted    int32
	}{
		"nothing is new":   {1, sourcesync.Report{}, 7},
		"another step":     {1, sourcesync.Report{Ended: true, Generation: 1, Omitted: 8}, 8},
		"another spec":     {2, sourcesync.Report{}, 0},
		"a step of it too": {2, sourcesync.Report{Ended: true, Generation: 2, Omitted: 9}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			broken := true
			api := breaking(&broken)
			r := reconcilerOf(t, api)
			first := &sourcesync.Report{Ended: true, Generation: 1, Omitted: 7}
			g.Expect(r.report(t.Context(), api.Source.DeepCopy(), first)).NotTo(Succeed())
			broken, api.Source.Generation = false, c.generation
			g.Expect(r.report(t.Context(), api.Source.DeepCopy(), &c.report)).To(Succeed())
			g.Expect(api.Source.Status.Tasks.Omitted).To(Equal(c.omitted))
		})
	}
}

// TestANamespacesStatusesKeepNobodyWaiting: those of one namespace take long to write, as where each poll of thousands of sources changes one.
// It has its share of the workers, and comes back later with the rest.
func TestANamespacesStatusesKeepNobodyWaiting(t *testing.T) {
	g := NewWithT(t)
	held, free := make(chan struct{}, sourceWorkers), make(chan struct{})
	api := &patchedAPI{kubetest.NewAPI("http://127.0.0.1:1"), func(source client.Object) error {
		if source.GetNamespace() == "many" {
			held <- struct{}{}
			<-free
		}
		return nil
	}}
	r := reconcilerOf(t, api)
	write := func(namespace, name string) error {
		source := kubetest.ASource()
		source.Namespace, source.Name = namespace, name
		return r.report(t.Context(), source, &sourcesync.Report{Ended: true, Generation: 1})
	}
	var writers sync.WaitGroup
	for n := range namespaceWriters {
		writers.Go(func() { g.Expect(write("many", strconv.Itoa(n))).To(Succeed()) })
	}
	for range namespaceWriters {
		<-held
	}
	g.Expect(write("other", "main")).To(Succeed())
	g.Expect(write("many", "more")).To(MatchError(errCrowded))
	g.Expect(r.lastReported(kubetest.ASource()).failed).To(BeFalse())
	close(free)
	writers.Wait()
	g.Expect(write("many", "more")).To(Succeed())
}

// TestSourcesThatAreThereHaveTheirTurn: what a controller hears of first comes after all else that is to be reconciled. Where thousands of
// sources keep its workers busy from the start, others would never begin.
func TestSourcesThatAreThereHaveTheirTurn(t *testing.T) {
	g := NewWithT(t)
	api := &troubledAPI{API: kubetest.NewAPI("http://127.0.0.1:1")}
	r := reconcilerOf(t, api)
	queue := priorityqueue.New[reconcile.Request]("test")
	defer queue.ShutDown()
	key := client.ObjectKeyFromObject(api.Source)
	queue.AddWithOpts(priorityqueue.AddOpts{Priority: new(handler.LowPriority)}, reconcile.Request{NamespacedName: key})
	r.waker.follow(queue)
	g.Expect(r.begin(t.Context())).To(Succeed())
	request, priority, _ := queue.GetWithPriority()
	g.Expect(request.NamespacedName).To(Equal(key))
	g.Expect(priority).To(BeZero())
}
