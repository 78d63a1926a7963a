// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// eventsOn lists the Events on an object, oldest first, found as kubectl describe finds them.
func (w *world) eventsOn(object client.Object, kind string) []string {
	w.t.Helper()
	found := &corev1.EventList{}
	w.Expect(w.client.List(w.ctx, found, client.InNamespace(w.namespace), client.MatchingFields{
		"involvedObject.name": object.GetName(), "involvedObject.namespace": w.namespace,
		"involvedObject.kind": kind, "involvedObject.uid": string(object.GetUID()),
	})).To(Succeed())
	slices.SortFunc(found.Items, func(a, b corev1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	var all []string
	for _, event := range found.Items {
		all = append(all, event.Type+" "+event.Reason+": "+event.Message)
	}
	return all
}

func (w *world) eventsOnTask(name string) func() []string {
	w.t.Helper()
	task := w.task(name)
	return func() []string { return w.eventsOn(task, "LivepeerTask") }
}

// becomes changes a task in Studio, and waits until that is mirrored.
func (w *world) becomes(id, phase string, also map[string]any) {
	w.t.Helper()
	w.studio.Update(id, func(task livepeertest.Task) {
		task["status"] = map[string]any{"phase": phase, "updatedAt": time.Now().UnixMilli()}
		maps.Copy(task["status"].(map[string]any), also)
	})
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal(phase))
}

// TestEventsOfATask: each change of a task is one Event on it, and only one, however often the operator is restarted and
// everything is listed. What was there before the source, or has ended when it is first seen, has none.
func TestEventsOfATask(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	w.studio.Populate(60, 1)
	w.secret(livepeertest.APIKey)
	w.source("main")
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Expect(w.taskEvents()).To(BeEmpty())

	const id = "a-task"
	w.studio.Put(livepeertest.Task{"id": id, "type": "upload", "createdAt": time.Now().UnixMilli(), "status": map[string]any{
		"phase": "running", "updatedAt": time.Now().UnixMilli(),
	}}, livepeertest.Task{"id": "ended", "type": "upload", "createdAt": time.Now().UnixMilli(), "status": map[string]any{
		"phase": "completed", "updatedAt": time.Now().UnixMilli(),
	}})
	w.Eventually(func() error {
		return w.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: id}, &v1alpha1.LivepeerTask{})
	}, soon, tick).Should(Succeed())
	events := w.eventsOnTask(id)
	w.Eventually(events, soon, tick).Should(Equal([]string{"Normal Running: The task is running."}))

	w.becomes(id, "failed", map[string]any{"errorMessage": "no disk; key=" + livepeertest.APIKey, "retries": 1})
	w.becomes(id, "waiting", map[string]any{"errorMessage": "no disk", "retries": 2})
	w.Eventually(events, soon, tick).Should(HaveLen(3)) // an operator that stops between status and Event tells no more of it
	w.stop()
	w.startOperator()
	w.becomes(id, "failed", map[string]any{"errorMessage": "no disk", "retries": 2})
	w.resync("main", "nothing is new")
	w.becomes(id, "running", nil)
	w.becomes(id, "running", map[string]any{"progress": 0.5})
	w.becomes(id, "completed", nil)
	want := []string{
		"Normal Running: The task is running.",
		"Warning Failed: The task failed: no disk; key=[redacted]",
		"Normal Retrying: The task is tried again, retry 2. The last attempt failed: no disk",
		"Warning Failed: The task failed: no disk",
		"Normal Retrying: The task is tried again.",
		"Normal Completed: The task completed.",
	}
	w.Eventually(events, soon, tick).Should(Equal(want))
	w.stop()
	w.startOperator()
	w.resync("main", "nothing is new either")
	w.Consistently(w.taskEvents, 3*time.Second, time.Second).Should(HaveLen(len(want)))
}

// taskEvents are the Events on all tasks.
func (w *world) taskEvents() []string {
	w.t.Helper()
	list := &eventsv1.EventList{}
	w.Expect(w.client.List(w.ctx, list, client.InNamespace(w.namespace))).To(Succeed())
	var all []string
	for _, event := range list.Items {
		if event.Regarding.Kind == "LivepeerTask" {
			all = append(all, event.Regarding.Name+": "+event.Reason+": "+event.Note)
		}
	}
	return all
}

// A new task has its Event where Studio's clock is behind or ahead as well; what was there before the source has none.
func TestEventsWhereClocksDiffer(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"behind": -30 * time.Minute, "ahead": 30 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for task := range livepeertest.Generate(60, 1, time.Now().Add(ahead)) {
				w.studio.Put(task)
			}
			w.secret(livepeertest.APIKey)
			w.source("main")
			w.startOperator()
			w.eventuallyReady("main", v1alpha1.ReasonSynced)
			w.Expect(w.taskEvents()).To(BeEmpty())

			now := time.Now().Add(ahead).UnixMilli()
			w.studio.Put(livepeertest.Task{"id": "a-task", "type": "upload", "createdAt": now, "status": map[string]any{
				"phase": "running", "updatedAt": now,
			}})
			w.Eventually(w.taskEvents, soon, tick).Should(ConsistOf(ContainSubstring("Running")))
		})
	}
}

// TestUndoingAnEditIsNoNews: what the operator puts right has not changed in Studio.
func TestUndoingAnEditIsNoNews(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 60)
	edits := 0
	for _, task := range w.tasks() {
		if task.Status.Phase != v1alpha1.PhaseFailed {
			continue
		}
		edits++
		edited := task.DeepCopy()
		edited.Status.Phase = v1alpha1.PhaseRunning
		w.Expect(w.client.Status().Update(w.ctx, edited)).To(Succeed())
		w.Eventually(func() string { return w.task(task.Name).Status.Phase }, soon, tick).Should(Equal(v1alpha1.PhaseFailed))
	}
	w.Expect(edits).NotTo(BeZero())
	w.resync("main", "all is as it was")
	w.Consistently(w.taskEvents, 2*time.Second, time.Second).Should(BeEmpty())
}

// TestEventsOfASource: each change of its health is one Event, and neither polls nor restarts make another.
func TestEventsOfASource(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 10)
	source := w.getSource("main")
	reasons := func() (all []string) {
		for _, event := range w.eventsOn(source, "LivepeerTaskSource") {
			if reason, _, _ := strings.Cut(event, ":"); reason != "Normal Syncing" { // the first sync may be too quick for it
				all = append(all, reason)
			}
		}
		return all
	}
	w.Eventually(reasons, soon, tick).Should(Equal([]string{"Normal Synced"}))
	w.studio.RemoveKey(livepeertest.APIKey)
	w.eventuallyReady("main", v1alpha1.ReasonUnauthorized)
	w.Eventually(reasons, soon, tick).Should(Equal([]string{"Normal Synced", "Warning Unauthorized"}))
	w.stop()
	w.studio.ResetRequests()
	w.startOperator()
	w.Eventually(func() int { return len(w.studio.Requests()) }, soon, tick).Should(BeNumerically(">", 2))
	w.studio.AddKey(livepeertest.APIKey, livepeertest.ProjectID)
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	want := []string{"Normal Synced", "Warning Unauthorized", "Normal Synced"}
	w.Eventually(reasons, soon, tick).Should(Equal(want))
	w.stop()
	w.studio.ResetRequests()
	w.startOperator()
	w.Eventually(func() int { return len(w.studio.Requests()) }, soon, tick).Should(BeNumerically(">", 2))
	w.Expect(reasons()).To(Equal(want))
	for _, event := range w.eventsOn(source, "LivepeerTaskSource") {
		w.Expect(event).NotTo(ContainSubstring(livepeertest.APIKey))
	}
}
