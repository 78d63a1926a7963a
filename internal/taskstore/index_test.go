// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// stored is what the index keeps of a task.
func stored(task *v1alpha1.LivepeerTask) *StoredTask {
	entry := mirror.EntryOf(task)
	return StoredOf(&entry)
}

// forget lets the index see a deletion.
func forget(x *Index, task *v1alpha1.LivepeerTask) {
	x.Deleted(types.NamespacedName{Namespace: task.Namespace, Name: task.Name}, task.UID)
}

func reborn(task *v1alpha1.LivepeerTask) { task.UID = "another" }

func statusless(task *v1alpha1.LivepeerTask) { task.Status = v1alpha1.LivepeerTaskStatus{} }

func keyOf(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "media", Name: name}
}

// TestIndexTellsOfOthers: the index knows task a of source main at version 10, and task b. Something happens; who is
// asked to look at which task again?
func TestIndexTellsOfOthers(t *testing.T) {
	failed := kubetest.InPhase("failed")
	ask := func(source, id string) TaskRef { return TaskRef{Namespace: "media", Source: source, ID: id} }
	for name, c := range map[string]struct {
		happens func(*Index)
		want    []TaskRef
		version string // of a, afterwards
	}{
		"a version of its own kind": {
			func(x *Index) {
				x.ObserveStored(stored(kubetest.ATask("a", "main", 11, failed, func(task *v1alpha1.LivepeerTask) { task.ResourceVersion = "b" })), true)
			}, []TaskRef{ask("main", "a")}, "b",
		},
		"another's change":           {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "main", 11, failed)), true) }, []TaskRef{ask("main", "a")}, "11"},
		"nothing new in it":          {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "main", 11)), true) }, nil, "11"},
		"the same again":             {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "main", 10, failed)), true) }, nil, "10"},
		"an older change":            {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "main", 9, failed)), true) }, nil, "10"},
		"more digits":                {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "main", 100, failed)), true) }, []TaskRef{ask("main", "a")}, "100"},
		"a deletion":                 {func(x *Index) { forget(x, kubetest.ATask("a", "main", 11)) }, []TaskRef{ask("main", "a")}, ""},
		"deletion of an earlier one": {func(x *Index) { forget(x, kubetest.ATask("a", "main", 9, reborn)) }, nil, "10"},
		"made anew":                  {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "main", 12, reborn, failed)), true) }, []TaskRef{ask("main", "a")}, "12"},
		"another source takes it": {
			func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "other", 11)), true) }, []TaskRef{ask("other", "a"), ask("main", "a")}, "11",
		},
		"nobody owns it any more": {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "", 11)), true) }, []TaskRef{ask("", "a"), ask("main", "a")}, "11"},
		"another ID": {
			func(x *Index) {
				x.ObserveStored(stored(kubetest.ATask("a", "main", 11, func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "forged" })), true)
			}, []TaskRef{ask("main", "forged"), ask("main", "a")}, "11",
		},
		"a task without a status": {func(x *Index) { x.SeeStored(stored(kubetest.ATask("c", "main", 11, statusless))) }, []TaskRef{ask("main", "c")}, "10"},
		"a task as it should be":  {func(x *Index) { x.SeeStored(stored(kubetest.ATask("c", "main", 11))) }, nil, "10"},
		"own write, then its event": {
			func(x *Index) {
				x.begin(keyOf("a"))
				x.done(keyOf("a"), stored(kubetest.ATask("a", "main", 11, failed)))
				x.ObserveStored(stored(kubetest.ATask("a", "main", 11, failed)), true)
			}, nil, "11",
		},
		"own write, after its event": {
			func(x *Index) {
				x.begin(keyOf("a"))
				x.ObserveStored(stored(kubetest.ATask("a", "main", 11, failed)), true)
				x.done(keyOf("a"), stored(kubetest.ATask("a", "main", 11, failed)))
			}, nil, "11",
		},
		"own two writes": {
			func(x *Index) {
				x.begin(keyOf("c"))
				x.SeeStored(stored(kubetest.ATask("c", "main", 11, statusless)))
				x.ObserveStored(stored(kubetest.ATask("c", "main", 12)), true)
				x.done(keyOf("c"), stored(kubetest.ATask("c", "main", 12)))
			}, nil, "10",
		},
		"own write, and another's over it": {
			func(x *Index) {
				x.begin(keyOf("a"))
				x.ObserveStored(stored(kubetest.ATask("a", "main", 12, kubetest.InPhase("forged"))), true)
				x.done(keyOf("a"), stored(kubetest.ATask("a", "main", 11, failed)))
			}, []TaskRef{ask("main", "a")}, "12",
		},
		"own write, and another's label on it": {
			func(x *Index) {
				x.begin(keyOf("a"))
				x.ObserveStored(stored(kubetest.ATask("a", "main", 12, failed)), true)
				x.done(keyOf("a"), stored(kubetest.ATask("a", "main", 11, failed)))
			}, nil, "12",
		},
		"own write that failed, then another's": {
			func(x *Index) {
				x.begin(keyOf("a"))
				x.done(keyOf("a"), nil)
				x.ObserveStored(stored(kubetest.ATask("a", "main", 11, failed)), true)
			}, []TaskRef{ask("main", "a")}, "11",
		},
		"own write that failed, since another deleted the task": {
			func(x *Index) {
				x.begin(keyOf("a"))
				forget(x, kubetest.ATask("a", "main", 11))
				x.done(keyOf("a"), nil)
			}, []TaskRef{ask("main", "a")}, "",
		},
		"own write of another task": {
			func(x *Index) {
				x.begin(keyOf("b"))
				x.ObserveStored(stored(kubetest.ATask("a", "main", 11, failed)), true)
			}, []TaskRef{ask("main", "a")}, "11",
		},
		"own deletion, then its event": {
			func(x *Index) {
				x.begin(keyOf("a"))
				x.gone(keyOf("a"), "uid-of-a")
				forget(x, kubetest.ATask("a", "main", 11))
			}, nil, "",
		},
		"own deletion, after its event": {
			func(x *Index) {
				x.begin(keyOf("a"))
				forget(x, kubetest.ATask("a", "main", 11))
				x.gone(keyOf("a"), "uid-of-a")
			}, nil, "",
		},
		"own deletion, then another's new one": {
			func(x *Index) {
				x.begin(keyOf("a"))
				x.gone(keyOf("a"), "uid-of-a")
				x.ObserveStored(stored(kubetest.ATask("a", "main", 12, reborn, failed)), true)
			}, []TaskRef{ask("main", "a")}, "12",
		},
		"own deletion of an earlier one": {func(x *Index) { x.gone(keyOf("a"), "earlier") }, nil, "10"},
	} {
		x := NewIndex()
		x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
		x.SeeStored(stored(kubetest.ATask("b", "main", 5)))
		var got []TaskRef
		x.NotifyExternalChanges(func(request TaskRef) { got = append(got, request) })
		c.happens(x)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: told of %+v, want %+v", name, got, c.want)
		}
		if entry, ok := x.Lookup("media")("a"); entry.ResourceVersion != c.version || ok != (c.version != "") {
			t.Errorf("%s: a is at version %q", name, entry.ResourceVersion)
		}
	}
}

// TestIndexRemembersUnfinishedTasks: a crash left them before anybody listened, or somebody edited their spec.
func TestIndexRemembersUnfinishedTasks(t *testing.T) {
	x := NewIndex()
	x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
	x.SeeStored(stored(kubetest.ATask("b", "main", 11, statusless)))
	x.SeeStored(stored(kubetest.ATask("c", "main", 12, inGeneration(2))))
	var got []string
	x.NotifyExternalChanges(func(request TaskRef) { got = append(got, request.Source+"/"+request.ID) })
	x.SeeStored(stored(kubetest.ATask("d", "main", 13)))
	x.SeeStored(stored(kubetest.ATask("e", "main", 14, inGeneration(2))))
	if slices.Sort(got); !slices.Equal(got, []string{"main/b", "main/c", "main/e"}) {
		t.Errorf("told of %+v", got)
	}
}

// TestNothingOfATaskIsLost: what is kept of it is all that an entry says.
func TestNothingOfATaskIsLost(t *testing.T) {
	want := mirror.Entry{
		Object:    mirror.Object{Namespace: "media", Name: "a", UID: "uid", ResourceVersion: "10", Generation: 2, Deleting: true},
		Ownership: mirror.Ownership{OwnerName: "main", OwnerUID: "uid-of-main", SourceLabel: "other"},
		Shown: mirror.Shown{
			ID: "A", Type: "clip", Phase: "failed", UpdatedAt: 3, ObservedGeneration: 4, Retries: 5, Waiting: true, Stalled: true,
		},
		Edited: mirror.Edited{EditedID: true, EditedType: true}, Content: mirror.Content{SpecDigest: 6, StatusDigest: 7, Sequence: 1},
	}
	x := NewIndex()
	x.SeeStored(StoredOf(&want))
	if got, _ := x.Lookup("media")("a"); got != want {
		t.Errorf("%+v became %+v", want, got)
	}
}

func TestIndexKeepsNamespacesApart(t *testing.T) {
	x := NewIndex()
	x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
	if _, ok := x.Lookup("elsewhere")("a"); ok {
		t.Error("found in another namespace")
	}
	if entry, ok := x.Lookup("media")("a"); !ok || entry.ID != "a" || entry.OwnerUID != "uid-of-main" {
		t.Errorf("%+v", entry)
	}
}
