// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"unique"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// StoredTask is what the index keeps of a stored task: an Entry in compact form. There may be 100,000 of them, so each byte
// counts: values that many tasks share are kept once.
type StoredTask struct {
	name, id    string // share one string if they are equal
	uid         types.UID
	version     string
	owner       unique.Handle[owner]
	kind, phase unique.Handle[string]

	place int // among those of its source
	versions
	content
	flags
}

// versions are those of the object and of its status.
type versions struct {
	generation, observedGeneration int64
	updatedAt                      int64 // milliseconds since 1970
}

// content identifies what is stored.
type content struct {
	spec, status mirror.Digest
	// fingerprint identifies the answer of the API that the task is known to mirror; 0 if unknown.
	fingerprint uint64
	// sequence is Index.sequence when the content last changed.
	sequence uint64
}

// flags are the small fields, together because padding would double their size otherwise.
type flags struct {
	retries              int32
	deleting             bool
	waiting              bool
	stalled              bool
	editedID, editedType bool
	changed              bool // since it was created, and not by the operator
}

// owner is the source that stored tasks belong to.
type owner struct {
	SourceID

	name, label string
}

// StoredOf makes an entry compact.
func StoredOf(entry *mirror.Entry) *StoredTask {
	task := &StoredTask{
		name: entry.Name, id: entry.ID, uid: entry.UID, version: entry.ResourceVersion,
		owner: unique.Make(owner{SourceID{entry.Namespace, entry.OwnerUID}, entry.OwnerName, entry.SourceLabel}),
		kind:  unique.Make(entry.Type), phase: unique.Make(entry.Phase),
		versions: versions{entry.Generation, entry.ObservedGeneration, entry.UpdatedAt},
		content:  content{spec: entry.SpecDigest, status: entry.StatusDigest},
		flags: flags{
			retries: entry.Retries, deleting: entry.Deleting, waiting: entry.Waiting, stalled: entry.Stalled,
			editedID: entry.EditedID, editedType: entry.EditedType,
		},
	}
	if task.id == task.name {
		task.id = task.name
	}
	return task
}

func (t *StoredTask) entry() mirror.Entry {
	owner := t.owner.Value()
	return mirror.Entry{
		Object: mirror.Object{
			Namespace: owner.Namespace, Name: t.name, UID: t.uid, ResourceVersion: t.version, Generation: t.generation,
			Deleting: t.deleting,
		},
		Ownership: mirror.Ownership{OwnerName: owner.name, OwnerUID: owner.UID, SourceLabel: owner.label},
		Shown: mirror.Shown{
			ID: t.id, Type: t.kind.Value(), Phase: t.phase.Value(), UpdatedAt: t.updatedAt, ObservedGeneration: t.observedGeneration,
			Retries: t.retries, Waiting: t.waiting, Stalled: t.stalled,
		},
		Edited:  mirror.Edited{EditedID: t.editedID, EditedType: t.editedType},
		Content: mirror.Content{SpecDigest: t.spec, StatusDigest: t.status, Sequence: t.sequence, Changed: t.changed},
	}
}

func (t *StoredTask) key() types.NamespacedName {
	return types.NamespacedName{Namespace: t.owner.Value().Namespace, Name: t.name}
}

func (t *StoredTask) finished() bool { return v1alpha1.IsFinishedPhase(t.phase.Value()) }

// differs reports whether two tasks differ in what the operator writes. An edit that was taken back leaves a status of another generation.
func (t *StoredTask) differs(other *StoredTask) bool {
	return t.spec != other.spec || t.status != other.status ||
		(t.observedGeneration == t.generation) != (other.observedGeneration == other.generation)
}

// ref names the task, for its source to read it again.
func (t *StoredTask) ref() TaskRef {
	owner := t.owner.Value()
	ref := TaskRef{Namespace: owner.Namespace, ID: t.id}
	if owner.UID != "" {
		ref.Source = owner.name
	}
	return ref
}

// TaskRef names a task and its source. Source is empty if the task has none.
type TaskRef struct {
	Namespace, Source, ID string
}

// newer reports whether version a was stored after b. Versions of one kind can be compared as numbers.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}
