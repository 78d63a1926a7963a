// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestDeletedWhileWriting: what somebody deletes before the answer to our write is in stays deleted, and is told.
func TestDeletedWhileWriting(t *testing.T) {
	x := NewIndex()
	x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
	var got []TaskRef
	x.NotifyExternalChanges(func(request TaskRef) { got = append(got, request) })
	x.begin(keyOf("a"))
	x.ObserveStored(stored(kubetest.ATask("a", "main", 11, kubetest.InPhase("failed"))), true)
	forget(x, kubetest.ATask("a", "main", 12, kubetest.InPhase("failed")))                  // somebody deletes what was just written
	x.done(keyOf("a"), stored(kubetest.ATask("a", "main", 11, kubetest.InPhase("failed")))) // the answer to the write comes late
	_, ok := x.Lookup("media")("a")
	if ok || len(got) != 1 {
		t.Errorf("is known: %v, told: %v", ok, got)
	}
}

// TestEditedWhileWriting: what somebody edits before our write, which therefore fails, is told once that is known, and what the watch
// shows of a write that succeeds is not.
func TestEditedWhileWriting(t *testing.T) {
	edited := stored(kubetest.ATask("a", "main", 11, kubetest.InPhase("edited")))
	for name, c := range map[string]struct {
		happens func(x *Index)
		told    int
	}{
		"edited": {func(x *Index) { x.ObserveStored(edited, true); x.done(keyOf("a"), nil) }, 1},
		"edited, and deleted": {func(x *Index) {
			x.ObserveStored(edited, true)
			forget(x, kubetest.ATask("a", "main", 12))
			x.done(keyOf("a"), nil)
		}, 1},
		"a label": {func(x *Index) {
			x.ObserveStored(stored(kubetest.ATask("a", "main", 11)), true)
			x.done(keyOf("a"), nil)
		}, 0},
		"nothing": {func(x *Index) { x.done(keyOf("a"), nil) }, 0},
		"our own": {func(x *Index) { x.ObserveStored(edited, true); x.done(keyOf("a"), edited) }, 0},
		"our own, in two": {func(x *Index) {
			x.ObserveStored(edited, true)
			x.done(keyOf("a"), stored(kubetest.ATask("a", "main", 12, kubetest.InPhase("failed"))))
		}, 0},
	} {
		x := NewIndex()
		x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
		told := 0
		x.NotifyExternalChanges(func(TaskRef) { told++ })
		x.begin(keyOf("a"))
		if c.happens(x); told != c.told {
			t.Errorf("%s: told %d times, want %d", name, told, c.told)
		}
	}
}

// TestDeletedWhileRead: the watch tells of deletions at the moments in which the index takes in what was read before.
func TestDeletedWhileRead(t *testing.T) {
	const workers = 8
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * workers)) // so that they are interrupted anywhere
	x := NewIndex()
	var all sync.WaitGroup
	for n := range workers {
		all.Go(func() {
			name := fmt.Sprint("a", n)
			for version := 10; version < 20_000; version += 10 {
				task := kubetest.ATask(name, "main", version, func(task *v1alpha1.LivepeerTask) {
					task.UID = types.UID(fmt.Sprint(name, "-", version))
				})
				x.BeginRead(keyOf(name))
				var both sync.WaitGroup
				both.Go(func() { x.Read(keyOf(name), stored(task)) })
				both.Go(func() { x.Deleted(keyOf(name), task.UID) })
				both.Wait()
				if _, known := x.Lookup("media")(name); known {
					t.Errorf("%s is known at %d, and does not exist", name, version)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestDeletedTwiceMeanwhile: while the operator reads or writes an object, that one and the next of its name are deleted.
func TestDeletedTwiceMeanwhile(t *testing.T) {
	for name, of := range map[string]struct {
		begin func(*Index, types.NamespacedName)
		end   func(*Index, types.NamespacedName, *StoredTask)
	}{
		"a read":  {(*Index).BeginRead, (*Index).Read},
		"a write": {(*Index).begin, (*Index).done},
	} {
		x, first := NewIndex(), kubetest.ATask("a", "main", 10)
		x.SeeStored(stored(first))
		of.begin(x, keyOf("a"))
		x.Deleted(keyOf("a"), first.UID)
		x.SeeStored(stored(kubetest.ATask("a", "main", 20, reborn)))
		x.Deleted(keyOf("a"), kubetest.ATask("a", "main", 20, reborn).UID)
		of.end(x, keyOf("a"), stored(first))
		if entry, known := x.Lookup("media")("a"); known {
			t.Errorf("%s: %+v is known, and does not exist", name, entry)
		}
	}
}

// TestAListWithoutWhatWasJustMade: somebody deletes an object before the answer to our write is in, and a list, and no event, shows that.
func TestAListWithoutWhatWasJustMade(t *testing.T) {
	for name, c := range map[string]struct {
		listed []*StoredTask
		known  bool
		told   int
	}{
		"it was deleted":         {nil, false, 1},
		"it was edited":          {[]*StoredTask{stored(kubetest.ATask("a", "main", 12, kubetest.InPhase("edited")))}, true, 1},
		"it is as it was stored": {[]*StoredTask{stored(kubetest.ATask("a", "main", 11))}, true, 0},
	} {
		x, told := NewIndex(), 0
		x.NotifyExternalChanges(func(TaskRef) { told++ })
		x.begin(keyOf("a"))
		x.Replace("", c.listed, "15")
		x.done(keyOf("a"), stored(kubetest.ATask("a", "main", 11)))
		if _, known := x.Lookup("media")("a"); known != c.known || told != c.told {
			t.Errorf("%s: is known: %v, told: %d", name, known, told)
		}
	}
}

// TestOurDeletionWhileRead: what was read before the operator deleted the object does not bring it back, nor make that anybody else's deletion.
func TestOurDeletionWhileRead(t *testing.T) {
	x, told := NewIndex(), 0
	task := kubetest.ATask("a", "main", 10)
	x.SeeStored(stored(task))
	x.NotifyExternalChanges(func(TaskRef) { told++ })
	x.BeginRead(keyOf("a"))
	x.begin(keyOf("a"))
	x.gone(keyOf("a"), task.UID)
	x.Read(keyOf("a"), stored(task))
	_, known := x.Lookup("media")("a")
	if x.Deleted(keyOf("a"), task.UID); known || told > 0 {
		t.Errorf("is known: %v, told: %d", known, told)
	}
}

// TestOlderEventOfEarlierObject: a late event does not bring an earlier object of the same name back.
func TestOlderEventOfEarlierObject(t *testing.T) {
	x := NewIndex()
	x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
	x.begin(keyOf("a"))
	x.done(keyOf("a"), stored(kubetest.ATask("a", "main", 20, reborn)))
	x.ObserveStored(stored(kubetest.ATask("a", "main", 11, kubetest.InPhase("failed"))), true)
	if e, _ := x.Lookup("media")("a"); e.ResourceVersion != "20" {
		t.Errorf("%+v", e)
	}
}

// TestOwnerInAnotherNamespace: an object elsewhere can't pass itself off as a source's task.
func TestOwnerInAnotherNamespace(t *testing.T) {
	x := NewIndex()
	x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
	x.SeeStored(stored(kubetest.ATask("a", "main", 11, func(t *v1alpha1.LivepeerTask) { t.Namespace = "elsewhere" })))
	forget(x, kubetest.ATask("a", "main", 12, func(t *v1alpha1.LivepeerTask) { t.Namespace = "elsewhere" }))
	if n := x.Counts(SourceID{Namespace: "media", UID: "uid-of-main"}).Total; n != 1 {
		t.Errorf("%d tasks", n)
	}
}

// TestChangesAreOthers: what the operator writes itself says what Studio said. It is no change that a full sync has to leave alone.
func TestChangesAreOthers(t *testing.T) {
	x := NewIndex()
	x.See(kubetest.ATask("a", "main", 10))
	began := x.Changes()
	sequence := func() uint64 {
		entry, _ := x.Lookup("media")("a")
		if entry.Changed != (entry.Sequence > began) {
			t.Errorf("changed: %v, after %d: %d", entry.Changed, began, entry.Sequence)
		}
		return entry.Sequence
	}
	sequence()
	b := kubetest.ATask("b", "main", 20)
	x.begin(keyOf("b"))
	x.See(kubetest.ATask("b", "main", 19, statusless))
	x.Observe(b)
	x.done(keyOf("b"), stored(b))
	if entry, _ := x.Lookup("media")("b"); entry.Changed || entry.Sequence <= began {
		t.Errorf("what the operator makes, shown before it is known to be made: %+v", entry)
	}
	began = x.Changes()
	key := types.NamespacedName{Namespace: "media", Name: "a"}
	x.begin(key)
	x.done(key, stored(kubetest.ATask("a", "main", 11, kubetest.InPhase("failed"))))
	if sequence() > began {
		t.Error("an own write is a change")
	}
	x.Observe(kubetest.ATask("a", "main", 12, kubetest.InPhase("edited")))
	if edited := sequence(); edited <= began {
		t.Error("an edit is none")
	}
	x.begin(key)
	x.done(key, stored(kubetest.ATask("a", "main", 13, kubetest.InPhase("failed"))))
	if sequence() <= began {
		t.Error("that it was put right makes an edit none")
	}
}
