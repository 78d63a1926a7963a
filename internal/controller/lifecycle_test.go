// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// unfinished are the states of the tasks in Studio that have not ended.
func (w *world) unfinished() map[string]string {
	w.t.Helper()
	states := w.states()
	for _, id := range w.studio.IDs() {
		task, _ := w.studio.Get(id)
		status, _ := task["status"].(map[string]any)
		if phase, _ := status["phase"].(string); v1alpha1.IsFinishedPhase(phase) {
			delete(states, id)
		}
	}
	return states
}

// TestHistoryKeepsWhatIsUnderWay: the least history there can be. Tasks go when they end, come when they are retried, and
// stay as long as they take; a restart and another full sync bring nothing back.
func TestHistoryKeepsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 150, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.History.MaxTasks = ptr.To[int32](0) })
	same := func() {
		w.t.Helper()
		w.Eventually(func() map[string]string { return w.mirroredStates() }, soon, tick).Should(Equal(w.unfinished()))
	}
	w.Expect(len(w.unfinished())).To(And(BeNumerically(">", 5), BeNumerically("<", 100)))
	same()
	w.studio.Update(w.aTask("running"), completed)
	same()
	w.studio.Update(w.aTask("failed"), func(task livepeertest.Task) {
		task["status"] = map[string]any{"phase": "waiting", "updatedAt": time.Now().UnixMilli(), "retries": 0}
	})
	same()
	w.stop()
	w.startOperator()
	w.resync("main", "after a restart")
	same()
}

// TestWidenedTypesAreUpToDate: what changed or went while its type was not mirrored.
func TestWidenedTypesAreUpToDate(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 60)
	var uploads []string
	for _, task := range w.tasks() {
		if task.Spec.Type == "upload" {
			uploads = append(uploads, task.Spec.ID)
		}
	}
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = []string{"clip", "export"} })
	w.Eventually(w.tasks, soon, tick).ShouldNot(ContainElement(HaveField("Spec.Type", "upload")))
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.studio.Update(uploads[0], completed)
	w.studio.Delete(uploads[1])
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = nil })
	w.eventuallyEqual()
}

// TestTheSecondSourceTakesOver: of two sources that see the same tasks, the second takes them soon after the first is gone and
// its tasks are collected, and does not wait for its next regular full sync, an hour later.
func TestTheSecondSourceTakesOver(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 30)
	second := w.source("second")
	w.eventuallyReady("second", v1alpha1.ReasonConflict)
	w.Expect(w.client.Delete(w.ctx, w.getSource("main"))).To(Succeed())
	of := client.MatchingLabels{v1alpha1.LabelSource: "main"}
	w.Eventually(func() map[string]string { // as the garbage collector does, also with what was on its way
		w.Expect(w.client.DeleteAllOf(w.ctx, &v1alpha1.LivepeerTask{}, client.InNamespace(w.namespace), of)).To(Succeed())
		return w.mirroredStates(of)
	}, soon, tick).Should(BeEmpty())
	w.eventuallyReady("second", v1alpha1.ReasonSynced)
	w.eventuallyEqual()
	tasks := w.tasks()
	for i := range tasks {
		w.Expect(metav1.IsControlledBy(&tasks[i], second)).To(BeTrue())
		w.Expect(tasks[i].Labels).To(HaveKeyWithValue(v1alpha1.LabelSource, "second"))
	}
}

// TestTheSecondSourceTakesWhatTheFirstGivesUp: the remedy that the condition names, types that the other has not, helps soon as well.
func TestTheSecondSourceTakesWhatTheFirstGivesUp(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 30)
	w.source("second", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = []string{"upload"} })
	w.eventuallyReady("second", v1alpha1.ReasonConflict)
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.Types = []string{"clip", "export", "export-data", "transcode-file"}
	})
	w.eventuallyReady("second", v1alpha1.ReasonSynced)
	w.eventuallyEqual()
}

// TestANamespaceGoesAtOnce: nothing holds its objects back, and the operator does not fight for tasks that are deleted in
// a namespace on its way out.
func TestANamespaceGoesAtOnce(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 40)
	for _, task := range w.tasks() {
		w.Expect(task.Finalizers).To(BeEmpty())
		w.Expect(task.OwnerReferences).To(HaveLen(1))
		w.Expect(task.OwnerReferences[0].BlockOwnerDeletion).To(BeNil())
	}
	w.Expect(w.getSource("main").Finalizers).To(BeEmpty())

	w.Expect(w.client.Delete(w.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}})).To(Succeed())
	w.Expect(w.client.DeleteAllOf(w.ctx, &v1alpha1.LivepeerTask{}, client.InNamespace(w.namespace))).To(Succeed())
	w.Consistently(w.tasks, 3*time.Second, tick).Should(BeEmpty())
	w.studio.ResetRequests()
	w.Eventually(func() int { // each task is tried again a few times, and then no more
		before := w.writes()
		w.requestsIn(3 * time.Second)
		return w.writes() - before
	}, soon, tick).Should(BeZero())
	w.Expect(w.requestsIn(window)).To(BeNumerically("<=", 2*2+2))

	source := w.getSource("main")
	w.Expect(w.client.Delete(w.ctx, source)).To(Succeed())
	w.Expect(apierrors.IsNotFound(w.client.Get(w.ctx, client.ObjectKeyFromObject(source), source))).To(BeTrue())
	w.Eventually(func() int { return w.requestsIn(window) }, soon, tick).Should(BeZero(), "nobody wants it polled any more")
}

// TestOthersKeepTheirPace: one source hangs, one is throttled, one has just met an account of 20,000 tasks. A fourth is
// polled in time and mirrors what changes.
func TestOthersKeepTheirPace(t *testing.T) {
	w := mirroring(t, 40)
	hanging := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	throttled, large := livepeertest.NewServer(), livepeertest.NewServer()
	throttled.Fault(always(livepeertest.RateLimited("1")))
	large.Populate(20_000, 3)
	for name, handler := range map[string]http.Handler{"hanging": hanging, "throttled": throttled, "large": large} {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		w.source(name, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = server.URL + "/api" })
	}
	w.eventuallyReady("throttled", v1alpha1.ReasonRateLimited)
	w.Eventually(func() int32 { return w.getSource("large").Status.Tasks.Total }, soon, tick).Should(BeNumerically(">", 0))

	stop := w.churn()
	w.studio.ResetRequests()
	w.Eventually(w.asked, soon, tick).Should(BeNumerically(">=", 4))
	stop()
	w.Expect(w.getSource("large").Status.Tasks.Total).To(BeNumerically("<", 20_000), "it had to wait for the large one")
	w.Eventually(func() map[string]string { return w.mirroredStates(client.MatchingLabels{v1alpha1.LabelSource: "main"}) }, soon, tick).
		Should(Equal(w.states()))
}
