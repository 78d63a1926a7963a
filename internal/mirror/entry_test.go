// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// storedTask is a task as the API server answers it, with what others added.
func storedTask(o *Observation) *v1alpha1.LivepeerTask {
	task := objectOf(o, Names(o.ID)[0])
	task.UID, task.ResourceVersion, task.Generation = "uid", "42", 3
	task.Status.ObservedGeneration = 2
	task.Labels["somebody"] = "here"
	task.Annotations = map[string]string{"somebody": "here"}
	task.OwnerReferences = append([]metav1.OwnerReference{{Kind: "Other", Name: "o", UID: "o"}}, task.OwnerReferences...)
	task.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: FieldManager, FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:updatedAt":{}}}`)},
		{Manager: "kubectl", FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:labels":{"f:somebody":{}}}}`)},
	}
	return task
}

// TestEntryOfRecordedTasks: digests tell content apart, and reading changes nothing.
func TestEntryOfRecordedTasks(t *testing.T) {
	for _, raw := range recordedTasks(t) {
		whole := storedTask(mustConvert(t, string(raw)))
		before := whole.DeepCopy()
		entry := EntryOf(whole)
		if diff := cmp.Diff(before, whole); diff != "" {
			t.Fatalf("EntryOf changes what it reads: %s", diff)
		}
		if entry.SpecDigest != SpecDigest(before) || entry.StatusDigest != StatusDigest(before) || entry.SpecDigest == entry.StatusDigest {
			t.Fatalf("digests of %s: %+v", raw, entry)
		}
		if entry.Finished() != before.IsFinished() {
			t.Fatalf("finished: %+v", entry)
		}
	}
}

func TestEntryOf(t *testing.T) {
	task := storedTask(observed("A", "upload", "completed", 1587667174725))
	want := Entry{Object: Object{Namespace: "media", Name: "a", UID: "uid", ResourceVersion: "42", Generation: 3}, Ownership: Ownership{OwnerName: "main", OwnerUID: "uid-of-main", SourceLabel: "main"}, Shown: Shown{ID: "A", Type: "upload", Phase: "completed", UpdatedAt: 1587667174725, ObservedGeneration: 2}, Content: Content{SpecDigest: SpecDigest(task), StatusDigest: StatusDigest(task)}}
	if diff := cmp.Diff(want, EntryOf(task)); diff != "" {
		t.Error(diff)
	}
	if stamp := (Stamp{UpdatedAt: 1587667174725, ID: "A"}); want.Stamp() != stamp {
		t.Errorf("%+v", want.Stamp())
	}
	same, other := want, want
	if other.UID = "another"; !want.SameContent(&same) || want.SameContent(&other) {
		t.Error("another object is taken for it")
	}
	older, newer := Stamp{UpdatedAt: 5, ID: "a"}, Stamp{UpdatedAt: 5, ID: "b"}
	if older.Compare(newer) >= 0 || newer.Compare(older) <= 0 || newer.Compare(Stamp{UpdatedAt: 5, ID: "b"}) != 0 {
		t.Error("of the same time, the ID decides")
	}
	task.DeletionTimestamp = new(metav1.Now())
	task.OwnerReferences = task.OwnerReferences[:1]
	task.Status.UpdatedAt = nil
	if got := EntryOf(task); !got.Deleting || got.OwnerName != "main" || got.OwnerUID != "" || got.UpdatedAt != 0 {
		t.Errorf("%+v", got)
	}
}

// TestTimesByOthersDoNotCount: a time that somebody made up would keep true observations out for being older.
func TestTimesByOthersDoNotCount(t *testing.T) {
	task := storedTask(observed("A", "upload", "running", 1587667174725))
	task.ManagedFields[1].FieldsV1 = metav1.NewFieldsV1(`{"f:status":{"f:updatedAt":{}}}`)
	if entry := EntryOf(task); entry.UpdatedAt != 0 {
		t.Errorf("%+v", entry)
	}
}

// TestWhoEditedASpec: what was restored from a backup is all others' as well, and a status has fields of these names, too.
func TestWhoEditedASpec(t *testing.T) {
	for name, c := range map[string]struct {
		fields               string
		generation, observed int64
		edited               bool
	}{
		"edited":          {`{"f:spec":{"f:id":{},"f:type":{}}}`, 3, 2, true},
		"and written to":  {`{"f:spec":{"f:id":{},"f:type":{}}}`, 3, 3, false},
		"restored":        {`{"f:spec":{"f:id":{},"f:type":{}}}`, 1, 0, false},
		"another's asset": {`{"f:status":{"f:output":{"f:upload":{"f:assetSpec":{"f:id":{},"f:type":{}}}}}}`, 3, 2, false},
	} {
		task := storedTask(observed("A", "upload", "running", 1587667174725))
		task.Generation, task.Status.ObservedGeneration = c.generation, c.observed
		task.ManagedFields[1].FieldsV1 = metav1.NewFieldsV1(c.fields)
		for _, entry := range append(readBack(t, task), EntryOf(task)) {
			if entry.EditedID != c.edited || entry.EditedType != c.edited {
				t.Errorf("%s: %+v", name, entry.Edited)
			}
		}
	}
}

// TestUnwritten: the CRD's default for a status that nobody has written yet, which is for kstatus.
func TestUnwritten(t *testing.T) {
	task := storedTask(observed("A", "upload", "running", 1587667174725))
	task.Status = v1alpha1.LivepeerTaskStatus{}
	none := EntryOf(task)
	task.Status.ObservedGeneration = -1
	for _, entry := range append(readBack(t, task), EntryOf(task)) {
		if entry != none || entry.ObservedGeneration != 0 {
			t.Errorf("%+v instead of %+v", entry, none)
		}
	}
}
