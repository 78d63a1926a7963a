// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

const taskA = `{"id":"A","type":"upload","createdAt":1000,"status":{"phase":"running","progress":0.5,"updatedAt":2000}}`

// mirrored is what the operator makes of a task.
func mirrored(g Gomega, raw, name string) v1alpha1.LivepeerTask {
	o, err := mirror.Convert([]byte(raw), nil)
	g.Expect(err).NotTo(HaveOccurred())
	task := v1alpha1.LivepeerTask{Spec: o.Spec, Status: o.Status}
	task.Name, task.Generation, task.Status.ObservedGeneration = name, 3, 3
	task.Labels = map[string]string{v1alpha1.LabelSource: testbed.SourceName, v1alpha1.LabelType: o.Spec.Type}
	for i := range task.Status.Conditions {
		task.Status.Conditions[i].ObservedGeneration = 3
	}
	controls := true
	task.OwnerReferences = []metav1.OwnerReference{{Name: testbed.SourceName, UID: "source", Controller: &controls}}
	return task
}

func TestCompareFindsWhatDiffers(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.LivepeerTask)
		want   string // empty: nothing
	}{
		"nothing": {func(*v1alpha1.LivepeerTask) {}, ""},
		"phase":   {func(o *v1alpha1.LivepeerTask) { o.Status.Phase = "waiting" }, `a: status.phase is "waiting", not "running"`},
		"spec":    {func(o *v1alpha1.LivepeerTask) { o.Spec.ProjectID = "p" }, `a: spec.projectId is "p"`},
		"id":      {func(o *v1alpha1.LivepeerTask) { o.Spec.ID = "B" }, `a mirrors the task "B", which is not in Studio`},
		"name":    {func(o *v1alpha1.LivepeerTask) { o.Name = "b" }, `b: is no name for the task "A"`},
		"owner":   {func(o *v1alpha1.LivepeerTask) { o.OwnerReferences[0].UID = "before" }, "a: its owners are"},
		"orphan":  {func(o *v1alpha1.LivepeerTask) { o.OwnerReferences = nil }, "a: its owners are"},
		"label":   {func(o *v1alpha1.LivepeerTask) { o.Labels = nil }, "a: its labels are"},
		"half":    {func(o *v1alpha1.LivepeerTask) { o.Status.ObservedGeneration = 2 }, "a: its status is of generation 2, not 3"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			object := mirrored(g, taskA, "a")
			test.change(&object)

			differ, err := compare(map[string][]byte{"A": []byte(taskA)}, []v1alpha1.LivepeerTask{object}, "source")

			g.Expect(err).NotTo(HaveOccurred())
			if test.want == "" {
				g.Expect(differ).To(BeEmpty())
				return
			}
			g.Expect(differ).To(ContainElement(ContainSubstring(test.want)))
		})
	}
}

func TestCompareCountsObjects(t *testing.T) {
	g := NewWithT(t)
	object := mirrored(g, taskA, "a")
	tasks := map[string][]byte{"A": []byte(taskA)}

	none, err := compare(tasks, nil, "source")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(none).To(ConsistOf(`task "A" has 0 objects`))
	two, err := compare(tasks, []v1alpha1.LivepeerTask{object, mirrored(g, taskA, mirror.Names("A")[1])}, "source")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(two).To(ConsistOf(`task "A" has 2 objects`))
	orphan, err := compare(nil, []v1alpha1.LivepeerTask{object}, "source")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(orphan).To(ConsistOf(`a mirrors the task "A", which is not in Studio; its owners are [main (source)], its labels map[studio.livepeer.org/source:main studio.livepeer.org/type:upload]`))
}

// The odd tasks must be such as the operator mirrors, else they prove nothing.
func TestOddTasksAreMirrored(t *testing.T) {
	g := NewWithT(t)
	studio := startStudio(1, 1, newReport(t.Output()))
	defer studio.web.Stop()

	tasks, err := studio.tasks()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(tasks)).To(BeNumerically(">", 10))
	for id, raw := range tasks {
		o, err := mirror.Convert(raw, nil)
		g.Expect(err).NotTo(HaveOccurred(), id)
		g.Expect(o.ID).To(Equal(id))
		g.Expect(studio.alive(id)).To(BeTrue())
	}
	g.Expect(studio.alive("nobody")).To(BeFalse())
}
