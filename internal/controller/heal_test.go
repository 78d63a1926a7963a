// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// change edits a task as a person with full rights would.
func (w *world) change(name string, edit func(*v1alpha1.LivepeerTask)) {
	w.t.Helper()
	w.Eventually(func() error {
		task := w.task(name)
		edit(task)
		return w.client.Update(w.ctx, task, client.FieldOwner("somebody"))
	}, soon, tick).Should(Succeed())
}

func (w *world) changeStatus(name string, edit func(*v1alpha1.LivepeerTaskStatus)) {
	w.t.Helper()
	w.Eventually(func() error {
		task := w.task(name)
		edit(&task.Status)
		return w.client.Status().Update(w.ctx, task, client.FieldOwner("somebody"))
	}, soon, tick).Should(Succeed())
}

// TestHeals: whatever somebody does to a task, it is soon as it should be, without a full sync.
func TestHeals(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 30)
	id := w.aTask("completed")
	good := w.task(id)
	future := metav1.NewMicroTime(time.Now().Add(24 * time.Hour))
	for name, harm := range map[string]func(){
		"spec edited":   func() { w.change(id, func(task *v1alpha1.LivepeerTask) { task.Spec.OutputAssetID = "forged" }) },
		"id edited":     func() { w.change(id, func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "forged" }) },
		"label removed": func() { w.change(id, func(task *v1alpha1.LivepeerTask) { delete(task.Labels, v1alpha1.LabelType) }) },
		"owner removed": func() { w.change(id, func(task *v1alpha1.LivepeerTask) { task.OwnerReferences = nil }) },
		"status edited": func() { w.changeStatus(id, func(s *v1alpha1.LivepeerTaskStatus) { s.Phase = "running" }) },
		"field removed": func() { w.changeStatus(id, func(s *v1alpha1.LivepeerTaskStatus) { s.Output = nil }) },
		"newer time": func() {
			w.changeStatus(id, func(s *v1alpha1.LivepeerTaskStatus) { s.UpdatedAt = &future; s.Phase = "x" })
		},
		"status emptied": func() {
			w.changeStatus(id, func(s *v1alpha1.LivepeerTaskStatus) { *s = v1alpha1.LivepeerTaskStatus{} })
		},
		"deleted": func() { w.Expect(w.client.Delete(w.ctx, w.task(id))).To(Succeed()) },
	} {
		harm()
		w.Eventually(func(g Gomega) {
			task := &v1alpha1.LivepeerTask{}
			g.Expect(w.client.Get(w.ctx, client.ObjectKeyFromObject(good), task)).To(Succeed(), name)
			g.Expect(task.Spec).To(Equal(good.Spec), name)
			g.Expect(task.Labels).To(Equal(good.Labels), name)
			g.Expect(task.OwnerReferences).To(Equal(good.OwnerReferences), name)
			g.Expect(task.Status.ObservedGeneration).To(Equal(task.Generation), name)
			for i := range task.Status.Conditions {
				task.Status.Conditions[i].ObservedGeneration = good.Generation
			}
			task.Status.ObservedGeneration = good.Status.ObservedGeneration
			g.Expect(task.Status).To(Equal(good.Status), name)
		}, soon, tick).Should(Succeed())
	}
}

// TestLeavesOthersLabelsAlone: people may label and annotate tasks, also through a repair.
func TestLeavesOthersLabelsAlone(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 30)
	id := w.aTask("completed")
	w.change(id, func(task *v1alpha1.LivepeerTask) {
		task.Labels["team"] = "video"
		metav1.SetMetaDataAnnotation(&task.ObjectMeta, "note", "mine")
	})
	w.change(id, func(task *v1alpha1.LivepeerTask) { task.Spec.ProjectID = "forged" })
	w.Eventually(func() string { return w.task(id).Spec.ProjectID }, soon, tick).ShouldNot(Equal("forged"))
	w.Expect(w.task(id).Labels).To(HaveKeyWithValue("team", "video"))
	w.Expect(w.task(id).Annotations).To(HaveKeyWithValue("note", "mine"))
}

// TestHealsAMassDeletion: more than can be healed one by one comes back by a full sync.
func TestHealsAMassDeletion(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 150)
	w.studio.ResetRequests()
	began := time.Now()
	w.Expect(w.client.DeleteAllOf(w.ctx, &v1alpha1.LivepeerTask{}, client.InNamespace(w.namespace))).To(Succeed())
	w.Eventually(w.tasks, soon, tick).Should(HaveLen(150))
	single, lists := 0, 0
	for _, request := range w.studio.Requests() {
		switch {
		case request.Path != "/api/task":
			single++
		case !request.Query.Has("filters"):
			lists++
		}
	}
	if single < 150 { // a machine that is busy may delete as slowly as tasks are asked for one by one
		w.Expect(lists).To(BeNumerically(">", 0))
	}
	w.Expect(single).To(BeNumerically("<=", 50+5*(time.Since(began).Seconds()+1)))
}

// TestAnOlderObservationNeverWins: a list from a lagging replica changes nothing back.
func TestAnOlderObservationNeverWins(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 50)
	id := w.aTask("running")
	old := w.studio.Snapshot()
	w.studio.Update(id, completed)
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
	w.studio.Fault(livepeertest.OnLists(livepeertest.Fault{From: old}))
	w.resync("main", "from a replica")
	w.Expect(w.task(id).Status.Phase).To(Equal("completed"))
}
