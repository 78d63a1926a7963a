// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// aTask is a stored task of a source.
func aTask(name, source string, version int, change ...func(*v1alpha1.LivepeerTask)) *v1alpha1.LivepeerTask {
	task := &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "media", Name: name, UID: types.UID("uid-of-" + name), ResourceVersion: fmt.Sprint(version), Generation: 1,
			OwnerReferences: []metav1.OwnerReference{{Name: source, UID: types.UID("uid-of-" + source), Controller: ptr.To(true)}},
		},
		Spec:   v1alpha1.LivepeerTaskSpec{ID: name},
		Status: v1alpha1.LivepeerTaskStatus{ObservedGeneration: 1, Phase: v1alpha1.PhaseRunning},
	}
	if source == "" {
		task.OwnerReferences = nil
	}
	for _, f := range change {
		f(task)
	}
	return task
}

// stored is what the index keeps of a task.
func stored(task *v1alpha1.LivepeerTask) *storedTask {
	entry := mirror.EntryOf(task)
	return storedOf(&entry)
}

// forget lets the index see a deletion.
func forget(x *taskIndex, task *v1alpha1.LivepeerTask) {
	x.deleted(types.NamespacedName{Namespace: task.Namespace, Name: task.Name}, task.UID)
}

func inPhase(phase string) func(*v1alpha1.LivepeerTask) {
	return func(task *v1alpha1.LivepeerTask) { task.Status.Phase = phase }
}

func reborn(task *v1alpha1.LivepeerTask) { task.UID = "another" }

func statusless(task *v1alpha1.LivepeerTask) { task.Status = v1alpha1.LivepeerTaskStatus{} }

func keyOf(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "media", Name: name}
}

// TestIndexTellsOfOthers: the index knows task a of source main at version 10, and task b. Something happens; who is
// asked to look at which task again?
func TestIndexTellsOfOthers(t *testing.T) {
	failed := inPhase("failed")
	ask := func(source, id string) taskRef { return taskRef{Namespace: "media", Source: source, ID: id} }
	for name, c := range map[string]struct {
		happens func(*taskIndex)
		want    []taskRef
		version string // of a, afterwards
	}{
		"another's change":           {func(x *taskIndex) { x.observe(stored(aTask("a", "main", 11, failed)), true) }, []taskRef{ask("main", "a")}, "11"},
		"nothing new in it":          {func(x *taskIndex) { x.observe(stored(aTask("a", "main", 11)), true) }, nil, "11"},
		"the same again":             {func(x *taskIndex) { x.observe(stored(aTask("a", "main", 10, failed)), true) }, nil, "10"},
		"an older change":            {func(x *taskIndex) { x.observe(stored(aTask("a", "main", 9, failed)), true) }, nil, "10"},
		"more digits":                {func(x *taskIndex) { x.observe(stored(aTask("a", "main", 100, failed)), true) }, []taskRef{ask("main", "a")}, "100"},
		"a deletion":                 {func(x *taskIndex) { forget(x, aTask("a", "main", 11)) }, []taskRef{ask("main", "a")}, ""},
		"deletion of an earlier one": {func(x *taskIndex) { forget(x, aTask("a", "main", 9, reborn)) }, nil, "10"},
		"made anew":                  {func(x *taskIndex) { x.observe(stored(aTask("a", "main", 12, reborn, failed)), true) }, []taskRef{ask("main", "a")}, "12"},
		"another source takes it": {
			func(x *taskIndex) { x.observe(stored(aTask("a", "other", 11)), true) }, []taskRef{ask("other", "a"), ask("main", "a")}, "11",
		},
		"nobody owns it any more": {func(x *taskIndex) { x.observe(stored(aTask("a", "", 11)), true) }, []taskRef{ask("", "a"), ask("main", "a")}, "11"},
		"another ID": {
			func(x *taskIndex) {
				x.observe(stored(aTask("a", "main", 11, func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "forged" })), true)
			}, []taskRef{ask("main", "forged"), ask("main", "a")}, "11",
		},
		"a task without a status": {func(x *taskIndex) { x.see(stored(aTask("c", "main", 11, statusless))) }, []taskRef{ask("main", "c")}, "10"},
		"a task as it should be":  {func(x *taskIndex) { x.see(stored(aTask("c", "main", 11))) }, nil, "10"},
		"own write, then its event": {
			func(x *taskIndex) {
				x.begin(keyOf("a"))
				x.done(keyOf("a"), stored(aTask("a", "main", 11, failed)))
				x.observe(stored(aTask("a", "main", 11, failed)), true)
			}, nil, "11",
		},
		"own write, after its event": {
			func(x *taskIndex) {
				x.begin(keyOf("a"))
				x.observe(stored(aTask("a", "main", 11, failed)), true)
				x.done(keyOf("a"), stored(aTask("a", "main", 11, failed)))
			}, nil, "11",
		},
		"own two writes": {
			func(x *taskIndex) {
				x.begin(keyOf("c"))
				x.see(stored(aTask("c", "main", 11, statusless)))
				x.observe(stored(aTask("c", "main", 12)), true)
				x.done(keyOf("c"), stored(aTask("c", "main", 12)))
			}, nil, "10",
		},
		"own write, and another's over it": {
			func(x *taskIndex) {
				x.begin(keyOf("a"))
				x.observe(stored(aTask("a", "main", 12, inPhase("forged"))), true)
				x.done(keyOf("a"), stored(aTask("a", "main", 11, failed)))
			}, []taskRef{ask("main", "a")}, "12",
		},
		"own write, and another's label on it": {
			func(x *taskIndex) {
				x.begin(keyOf("a"))
				x.observe(stored(aTask("a", "main", 12, failed)), true)
				x.done(keyOf("a"), stored(aTask("a", "main", 11, failed)))
			}, nil, "12",
		},
		"own write that failed, then another's": {
			func(x *taskIndex) {
				x.begin(keyOf("a"))
				x.done(keyOf("a"), nil)
				x.observe(stored(aTask("a", "main", 11, failed)), true)
			}, []taskRef{ask("main", "a")}, "11",
		},
		"own write of another task": {
			func(x *taskIndex) {
				x.begin(keyOf("b"))
				x.observe(stored(aTask("a", "main", 11, failed)), true)
			}, []taskRef{ask("main", "a")}, "11",
		},
		"own deletion, then its event": {
			func(x *taskIndex) {
				x.begin(keyOf("a"))
				x.gone(keyOf("a"), "uid-of-a")
				forget(x, aTask("a", "main", 11))
			}, nil, "",
		},
		"own deletion, after its event": {
			func(x *taskIndex) {
				x.begin(keyOf("a"))
				forget(x, aTask("a", "main", 11))
				x.gone(keyOf("a"), "uid-of-a")
			}, nil, "",
		},
		"own deletion of an earlier one": {func(x *taskIndex) { x.gone(keyOf("a"), "earlier") }, nil, "10"},
	} {
		x := newTaskIndex()
		x.see(stored(aTask("a", "main", 10)))
		x.see(stored(aTask("b", "main", 5)))
		var got []taskRef
		x.notifyExternalChanges(func(request taskRef) { got = append(got, request) })
		c.happens(x)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: told of %+v, want %+v", name, got, c.want)
		}
		if entry, ok := x.lookup("media")("a"); entry.ResourceVersion != c.version || ok != (c.version != "") {
			t.Errorf("%s: a is at version %q", name, entry.ResourceVersion)
		}
	}
}

// TestIndexRemembersUnfinishedTasks: a crash left them before anybody listened.
func TestIndexRemembersUnfinishedTasks(t *testing.T) {
	x := newTaskIndex()
	x.see(stored(aTask("a", "main", 10)))
	x.see(stored(aTask("b", "main", 11, statusless)))
	var got []taskRef
	x.notifyExternalChanges(func(request taskRef) { got = append(got, request) })
	if want := []taskRef{{Namespace: "media", Source: "main", ID: "b"}}; !slices.Equal(got, want) {
		t.Errorf("told of %+v", got)
	}
}

func TestIndexKeepsNamespacesApart(t *testing.T) {
	x := newTaskIndex()
	x.see(stored(aTask("a", "main", 10)))
	if _, ok := x.lookup("elsewhere")("a"); ok {
		t.Error("found in another namespace")
	}
	if entry, ok := x.lookup("media")("a"); !ok || entry.ID != "a" || entry.OwnerUID != "uid-of-main" {
		t.Errorf("%+v", entry)
	}
}
