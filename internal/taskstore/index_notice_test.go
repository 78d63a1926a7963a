// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// TestIndexLooksAtWhatOthersWrite: the index knows task a at version 10. Of writes it is told the version only: which of
// them are to be read?
func TestIndexLooksAtWhatOthersWrite(t *testing.T) {
	a, failed := keyOf("a"), kubetest.InPhase("failed")
	for name, c := range map[string]struct {
		happens func(*Index)
		want    []types.NamespacedName
	}{
		"another's write":            {func(x *Index) { x.Notice(a, "11") }, []types.NamespacedName{a}},
		"what is known":              {func(x *Index) { x.Notice(a, "10") }, nil},
		"what is older":              {func(x *Index) { x.Notice(a, "9") }, nil},
		"a task that nobody knows":   {func(x *Index) { x.Notice(keyOf("new"), "9") }, []types.NamespacedName{keyOf("new")}},
		"own write, then its notice": {func(x *Index) { x.begin(a); x.done(a, stored(kubetest.ATask("a", "main", 11))); x.Notice(a, "11") }, nil},
		"own write, after its notice": {
			func(x *Index) { x.begin(a); x.Notice(a, "11"); x.done(a, stored(kubetest.ATask("a", "main", 11))) }, nil,
		},
		"own two writes": {
			func(x *Index) {
				x.begin(a)
				x.Notice(a, "11")
				x.Notice(a, "12")
				x.done(a, stored(kubetest.ATask("a", "main", 12)))
			}, nil,
		},
		"another's write over it": {
			func(x *Index) {
				x.begin(a)
				x.Notice(a, "12")
				x.Notice(a, "11")
				x.done(a, stored(kubetest.ATask("a", "main", 11, failed)))
			},
			[]types.NamespacedName{a},
		},
		"a write that was carried out and not answered": {
			func(x *Index) { x.begin(a); x.Notice(a, "11"); x.done(a, nil) }, []types.NamespacedName{a},
		},
		"a creation that was carried out and not answered": {
			func(x *Index) { x.begin(keyOf("new")); x.Notice(keyOf("new"), "11"); x.done(keyOf("new"), nil) },
			[]types.NamespacedName{keyOf("new")},
		},
		"own deletion, and another of its name by then": {
			func(x *Index) { x.begin(a); x.Notice(a, "12"); x.gone(a, "uid-of-a") }, []types.NamespacedName{a},
		},
		"own deletion alone": {func(x *Index) { x.begin(a); x.gone(a, "uid-of-a") }, nil},
		"two at once": {
			func(x *Index) {
				x.begin(a)
				x.begin(a)
				x.done(a, nil)
				x.Notice(a, "11")
				x.done(a, stored(kubetest.ATask("a", "main", 11)))
			}, nil,
		},
	} {
		x := NewIndex()
		x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
		var got []types.NamespacedName
		x.NotifyUnread(func(key types.NamespacedName) { got = append(got, key) })
		c.happens(x)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: looks at %v", name, got)
		}
	}
}

// TestLateLook: what was read before a deletion does not bring the task back.
func TestLateLook(t *testing.T) {
	a := keyOf("a")
	for name, c := range map[string]struct {
		happens func(*Index)
		known   bool
	}{
		"read in time":               {func(*Index) {}, true},
		"deleted meanwhile":          {func(x *Index) { forget(x, kubetest.ATask("a", "main", 12)) }, false},
		"another one was deleted":    {func(x *Index) { forget(x, kubetest.ATask("a", "main", 9, reborn)) }, true},
		"a later list lacks it":      {func(x *Index) { x.Replace("", nil, "12") }, false},
		"a later list of its place":  {func(x *Index) { x.Replace("media", nil, "12") }, false},
		"an earlier list lacked it":  {func(x *Index) { x.Replace("", nil, "10") }, true},
		"a list of another place":    {func(x *Index) { x.Replace("elsewhere", nil, "12") }, true},
		"known, and listed no more":  {func(x *Index) { x.SeeStored(stored(kubetest.ATask("a", "main", 10))); x.Replace("", nil, "12") }, false},
		"not there when it was read": {func(x *Index) { x.BeginRead(a); x.Read(a, nil) }, true},
	} {
		x := NewIndex()
		x.BeginRead(a)
		c.happens(x)
		x.Read(a, stored(kubetest.ATask("a", "main", 11)))
		if _, known := x.Lookup("media")("a"); known != c.known {
			t.Errorf("%s: known %v", name, known)
		}
	}
}

// TestListReplacesWhatIsKnown: deletions that no watch has shown are told; what was written after the list stays.
func TestListReplacesWhatIsKnown(t *testing.T) {
	x := NewIndex()
	for version, name := range []string{"kept", "changed", "lost"} {
		x.SeeStored(stored(kubetest.ATask(name, "main", 10+version)))
	}
	x.begin(keyOf("later"))
	x.done(keyOf("later"), stored(kubetest.ATask("later", "main", 30)))
	var got []TaskRef
	x.NotifyExternalChanges(func(request TaskRef) { got = append(got, request) })
	x.Replace("media", []*StoredTask{
		stored(kubetest.ATask("kept", "main", 10)), stored(kubetest.ATask("changed", "main", 15, kubetest.InPhase("failed"))), stored(kubetest.ATask("new", "main", 16)),
	}, "20")
	var ids []string
	for _, request := range got {
		ids = append(ids, request.ID)
	}
	if slices.Sort(ids); !slices.Equal(ids, []string{"changed", "lost"}) {
		t.Errorf("told of %v", ids)
	}
	var names []string
	for entry := range x.Entries(SourceID{Namespace: "media", UID: "uid-of-main"}) {
		names = append(names, entry.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"changed", "kept", "later", "new"}) {
		t.Errorf("%v are known", names)
	}
}

// TestAListOfOneNamespace says nothing of another.
func TestAListOfOneNamespace(t *testing.T) {
	x := NewIndex()
	x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
	x.NotifyExternalChanges(func(task TaskRef) { t.Errorf("told of %v", task) })
	x.Replace("elsewhere", nil, "20")
	if _, known := x.Lookup("media")("a"); !known {
		t.Error("it is forgotten")
	}
}

// TestAStalledTaskIsNotKnownAgain: as long as it is not shown so, the same answer of Studio asks for a write.
func TestAStalledTaskIsNotKnownAgain(t *testing.T) {
	x := NewIndex()
	at := metav1.NewMicroTime(resumedAt)
	x.SeeStored(stored(kubetest.ATask("a", "main", 10, func(task *v1alpha1.LivepeerTask) { task.Status.UpdatedAt = &at })))
	entry, _ := x.Lookup("media")("a")
	x.Recognise(&entry, 5)
	for before, want := range map[int64]bool{0: true, resumedAt.UnixMilli(): true, resumedAt.UnixMilli() + 1: false} {
		if x.Mirrors(idOf("main"), "a", "a", 5, before) != want {
			t.Errorf("as of %d: not %v", before, want)
		}
	}
}

func inGeneration(generation int64) func(*v1alpha1.LivepeerTask) {
	return func(task *v1alpha1.LivepeerTask) { task.Generation = generation }
}

// TestAnEditThatWasTakenBackIsTold: the operator sees the object with its own content, for another generation than the status is for.
// Waiting programs go by that.
func TestAnEditThatWasTakenBackIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*v1alpha1.LivepeerTask)
		told   int
	}{
		"the spec":               {inGeneration(3), 1},
		"the observedGeneration": {func(task *v1alpha1.LivepeerTask) { task.Status.ObservedGeneration = 99 }, 1},
		"a label of theirs":      {func(task *v1alpha1.LivepeerTask) { task.Labels = map[string]string{"team": "a"} }, 0},
	} {
		x, told := NewIndex(), 0
		x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
		x.NotifyExternalChanges(func(TaskRef) { told++ })
		x.BeginRead(keyOf("a"))
		x.Read(keyOf("a"), stored(kubetest.ATask("a", "main", 12, c.change)))
		if told != c.told {
			t.Errorf("%s: told of %d times", name, told)
		}
	}
}

// TestMarks: an answer of the API is known again as long as nobody has changed the task.
func TestMarks(t *testing.T) {
	source := SourceID{Namespace: "media", UID: "uid-of-main"}
	for name, c := range map[string]struct {
		happens func(*Index)
		want    bool
	}{
		"nothing":               {func(*Index) {}, true},
		"somebody adds a label": {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "main", 11)), true) }, true},
		"somebody edits it": {func(x *Index) {
			x.ObserveStored(stored(kubetest.ATask("a", "main", 11, kubetest.InPhase("forged"))), true)
		}, false},
		"somebody edits its spec, and takes that back": {func(x *Index) {
			x.ObserveStored(stored(kubetest.ATask("a", "main", 12, inGeneration(3))), true)
		}, false},
		"somebody deletes it": {func(x *Index) { forget(x, kubetest.ATask("a", "main", 10)) }, false},
		"another source's":    {func(x *Index) { x.ObserveStored(stored(kubetest.ATask("a", "other", 11)), true) }, false},
		"it is being deleted": {func(x *Index) {
			task := stored(kubetest.ATask("a", "main", 11))
			task.deleting = true
			x.ObserveStored(task, true)
		}, false},
	} {
		x := NewIndex()
		x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
		entry, _ := x.Lookup("media")("a")
		x.Recognise(&entry, 5)
		c.happens(x)
		if x.Mirrors(source, "a", "a", 5, 0) != c.want || x.Mirrors(source, "a", "a", 6, 0) || x.Mirrors(source, "a", "A", 5, 0) || x.Mirrors(source, "a", "a", 0, 0) ||
			x.Mirrors(idOf("other"), "a", "a", 5, 0) {
			t.Errorf("%s: known again: %v", name, x.Mirrors(source, "a", "a", 5, 0))
		}
		x.ObserveStored(stored(kubetest.ATask("a", "main", 20, kubetest.InPhase("failed"))), true)
		if x.Recognise(&entry, 7); x.Mirrors(source, "a", "a", 7, 0) {
			t.Errorf("%s: the fingerprint of an earlier version counts", name)
		}
	}
}

// TestGoneThoughWrittenInto: what is gone from the API, or beyond a limit, goes, also where somebody writes a label of theirs into it at
// that moment. An object that was made anew stays, and one that somebody edited.
func TestGoneThoughWrittenInto(t *testing.T) {
	for name, c := range map[string]struct {
		because string
		uid     types.UID
		id      string
		left    int
	}{
		"gone":             {plan.BecauseDeleted, "uid-of-a", "a", 0},
		"edited":           {plan.BecauseDeleted, "uid-of-a", "b", 1},
		"made anew":        {plan.BecauseDeleted, "another", "a", 1},
		"is going already": {plan.BecauseDeleted, "uid-of-a", "a", 1},
		"beyond a limit":   {plan.BecauseHistory, "uid-of-a", "a", 0},
		"of no such type":  {plan.BecauseType, "uid-of-a", "a", 0},
		"no more, perhaps": {plan.BecauseType, "uid-of-a", "b", 1},
		"not there at all": {plan.BecauseDeleted, "", "", 0},
	} {
		api := &kubetest.API{Tasks: map[string]*v1alpha1.LivepeerTask{}, Writing: func(_, _ *v1alpha1.LivepeerTask) {}}
		if c.uid != "" {
			api.Tasks["a"] = kubetest.ATask("a", "main", 12, func(task *v1alpha1.LivepeerTask) {
				task.UID, task.Spec.ID = c.uid, c.id
				task.Labels = map[string]string{"team": "video"}
				if name == "is going already" {
					task.DeletionTimestamp = new(metav1.Unix(1587667174, 0))
				}
			})
		}
		planned := mirror.EntryOf(kubetest.ATask("a", "main", 10))
		err := NewWriter(kubetest.Storage{Client: api}, api, NewIndex()).write(context.Background(), plan.Scope{Namespace: "media"},
			plan.Action{Verb: plan.Delete, Stored: planned, Because: c.because})
		if err != nil || len(api.Tasks) != c.left {
			t.Errorf("%s: %d left, %v", name, len(api.Tasks), err)
		}
	}
}
