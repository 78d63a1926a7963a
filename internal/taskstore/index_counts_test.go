// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestIndexCounts: whatever is written, seen and deleted, and by whom, the counts are those of the tasks that are there.
func TestIndexCounts(t *testing.T) {
	names, sources := []string{"a", "b", "c", "d"}, []string{"main", "other", ""}
	types := []string{"upload", "clip", "dub", ""}
	phases := []string{"pending", "waiting", "running", "completed", "failed", "cancelled", "frozen", ""}
	rapid.Check(t, func(t *rapid.T) {
		x := NewIndex()
		there := map[string]*v1alpha1.LivepeerTask{}
		for version := range rapid.IntRange(0, 30).Draw(t, "events") {
			name := rapid.SampledFrom(names).Draw(t, "name")
			task := kubetest.ATask(name, rapid.SampledFrom(sources).Draw(t, "source"), version+1, kubetest.InPhase(rapid.SampledFrom(phases).Draw(t, "phase")))
			task.Spec.Type = rapid.SampledFrom(types).Draw(t, "type")
			if rapid.Bool().Draw(t, "stalled") {
				task.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionStalled, Reason: v1alpha1.ReasonNoUpdate}}
			}
			if rapid.IntRange(0, 3).Draw(t, "written") == 0 { // made, and its status not yet written
				task.Status = v1alpha1.LivepeerTaskStatus{}
			}
			before := there[name]
			switch rapid.IntRange(0, 5).Draw(t, "event") {
			case 0:
				x.ObserveStored(stored(task), true)
				there[name] = task
			case 1:
				x.begin(keyOf(name))
				x.done(keyOf(name), stored(task))
				x.ObserveStored(stored(task), true)
				there[name] = task
			case 2:
				x.begin(keyOf(name))
				x.done(keyOf(name), nil)
			case 3:
				forget(x, task)
				delete(there, name)
			case 4:
				x.gone(keyOf(name), task.UID)
				delete(there, name)
			default:
				if before != nil {
					x.ObserveStored(stored(before), true) // once more
				}
			}
			for _, source := range append(sources, "none") {
				checkCounts(t, x, source, there)
			}
		}
	})
}

func checkCounts(t *rapid.T, x *Index, source string, there map[string]*v1alpha1.LivepeerTask) {
	t.Helper()
	id := SourceID{Namespace: "media"}
	if source != "" {
		id.UID = types.UID("uid-of-" + source)
	}
	want, finished, objects := v1alpha1.TaskCounts{}, 0, 0
	counters := map[string]*int32{
		"pending": &want.Pending, "waiting": &want.Waiting, "running": &want.Running, "completed": &want.Completed,
		"failed": &want.Failed, "cancelled": &want.Cancelled, "frozen": &want.Unknown, "": &want.Unknown,
	}
	var counted Tally
	last := len(counted) - 1
	kinds := map[string]int{"upload": 0, "clip": 4, "dub": last, "": last}
	places := map[string]int{
		"pending": 0, "waiting": 1, "running": 2, "completed": 3, "failed": 4, "cancelled": 5, "frozen": 6, "": 6,
	}
	for _, task := range there {
		if stored(task).owner.Value().SourceID != id {
			continue
		}
		objects++
		if task.Status.ObservedGeneration == 0 {
			continue
		}
		want.Total++
		*counters[task.Status.Phase]++
		counted[kinds[task.Spec.Type]][places[task.Status.Phase]]++
		if task.IsFinished() {
			finished++
		}
		if len(task.Status.Conditions) > 0 {
			want.Stalled++
		}
	}
	if got := x.Counts(id); got != want {
		t.Fatalf("%q: %+v, want %+v", source, got, want)
	}
	if got := x.Tally(id); got != counted {
		t.Fatalf("%q: %v, want %v", source, got, counted)
	}
	if got := x.Finished(id); got != finished {
		t.Fatalf("%q: %d finished, want %d", source, got, finished)
	}
	entries := 0
	for entry := range x.Entries(id) {
		entries++
		if task := there[entry.Name]; task == nil || task.ResourceVersion != entry.ResourceVersion || entry.OwnerUID != id.UID {
			t.Fatalf("%q: %+v is not there", source, entry)
		}
	}
	if entries != objects {
		t.Fatalf("%q: %d entries, want %d", source, entries, objects)
	}
}
