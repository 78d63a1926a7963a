// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// FieldManager is the name that the operator writes under.
const FieldManager = "livepeer-task-operator"

// Names of fields in managedFields.
const (
	updatedAtField = `"f:updatedAt"`
	phaseField     = `"f:phase"`
	idField        = `"f:id"`
	typeField      = `"f:type"`
	specField      = `"f:spec"`
)

// Entry is what the operator knows of one stored LivepeerTask.
type Entry struct {
	Object
	Ownership
	Shown
	Edited
	Content
}

// Object is which stored object it is.
type Object struct {
	Namespace       string
	Name            string
	UID             types.UID
	ResourceVersion string
	Generation      int64
	Deleting        bool
}

// Ownership is whose it is.
type Ownership struct {
	// OwnerName and OwnerUID name the LivepeerTaskSource that controls the task. If none does, OwnerUID is empty and
	// OwnerName is what the label says.
	OwnerName string
	OwnerUID  types.UID
	// SourceLabel is the source that the label names; it differs from the owner if somebody edited one of the two.
	SourceLabel string
}

// Shown is what the object shows of the task.
type Shown struct {
	ID    string
	Type  string
	Phase string
	// UpdatedAt is status.updatedAt in milliseconds since 1970; 0 if it is missing, or somebody else wrote it or the phase.
	UpdatedAt int64
	// ObservedGeneration is 0 if no status is written yet.
	ObservedGeneration int64
	// Retries is how many times the task was tried again.
	Retries int32
	// Waiting: it has transitions that are still to be sent.
	Waiting bool
	// Stalled: the status says that Studio has not updated the task for too long.
	Stalled bool
}

// Edited says what somebody else has set, if the operator has not written the task since.
type Edited struct {
	EditedID, EditedType bool
}

// Content identifies what the operator writes of it.
type Content struct {
	SpecDigest   Digest
	StatusDigest Digest
	// Sequence orders the changes of content that this process knows of; see the index that keeps the entry. Changed: the last of them was
	// no creation.
	Sequence uint64
	Changed  bool
}

// ContentOf identifies what the operator writes of a task.
func ContentOf(task *v1alpha1.LivepeerTask) Content {
	return Content{SpecDigest: SpecDigest(task), StatusDigest: StatusDigest(task)}
}

// EntryOf reads a stored task.
func EntryOf(task *v1alpha1.LivepeerTask) Entry { return EntryWith(task, ContentOf(task)) }

// writtenFor returns the generation that a status belongs to: 0 if none is written yet, also if the CRD's default says -1.
func writtenFor(generation int64) int64 { return max(0, generation) }

// EntryWith reads a stored task whose content is known.
func EntryWith(task *v1alpha1.LivepeerTask, content Content) Entry {
	entry := Entry{
		Object: Object{
			Namespace: task.Namespace, Name: task.Name, UID: task.UID, ResourceVersion: task.ResourceVersion,
			Generation: task.Generation, Deleting: task.DeletionTimestamp != nil,
		},
		Shown: Shown{
			ID: task.Spec.ID, Type: task.Spec.Type, Phase: task.Status.Phase,
			ObservedGeneration: writtenFor(task.Status.ObservedGeneration),
			Waiting:            len(task.Status.Notifications) > 0, Stalled: showsStalled(&task.Status),
		},
		Content: content,
	}
	entry.SourceLabel = task.Labels[v1alpha1.LabelSource]
	if owner := metav1.GetControllerOfNoCopy(task); owner != nil {
		entry.OwnerName, entry.OwnerUID = owner.Name, owner.UID
	} else {
		entry.OwnerName = entry.SourceLabel // the owner was edited away
	}
	if task.Status.Retries != nil {
		entry.Retries = int32(min(max(*task.Status.Retries, 0), math.MaxInt32))
	}
	var foreign foreignFields
	for i := range task.ManagedFields {
		if managed := &task.ManagedFields[i]; managed.Manager != FieldManager && managed.FieldsV1 != nil {
			foreign.set(managed.FieldsV1.GetRawBytes())
		}
	}
	if task.Status.UpdatedAt != nil {
		entry.UpdatedAt = task.Status.UpdatedAt.UnixMilli()
	}
	foreign.mark(&entry)
	return entry
}

// LeadsToName reports whether the object's name is one of the Names of its ID. Otherwise somebody edited the ID, and an answer
// about that ID says nothing about the object.
func (e *Entry) LeadsToName() bool {
	return slices.Contains(Names(e.ID), e.Name)
}

// uuid is the form of Studio's IDs, as a name.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// PossibleIDs returns the IDs that a stored task may have been created with, if somebody edited its ID and the name is a UUID, which
// Studio writes in lower or in upper case. Other names may stand for several IDs: for them it returns none.
func (e *Entry) PossibleIDs() []string {
	if !e.EditedID && e.LeadsToName() || !uuid.MatchString(e.Name) {
		return nil
	}
	return []string{e.Name, strings.ToUpper(e.Name)}
}

// SameContent reports whether both are the same object with the same content, as far as the operator writes it.
func (e *Entry) SameContent(other *Entry) bool {
	return e.UID == other.UID && e.SpecDigest == other.SpecDigest && e.StatusDigest == other.StatusDigest
}

// Finished reports whether the stored task has ended, well or not.
func (e *Entry) Finished() bool {
	return v1alpha1.IsFinishedPhase(e.Phase)
}

// Stamp is the stored task's place in history.
func (e *Entry) Stamp() Stamp {
	return Stamp{UpdatedAt: e.UpdatedAt, ID: e.ID}
}

// foreignFields says which fields of a task others have set, by its managedFields.
type foreignFields struct {
	status, id, kind bool
}

// set takes in the fields of one other manager.
func (f *foreignFields) set(fields []byte) {
	has := func(field string) bool { return bytes.Contains(fields, []byte(field)) }
	f.status = f.status || has(updatedAtField) || has(phaseField)
	spec := has(specField)
	f.id = f.id || spec && has(idField)
	f.kind = f.kind || spec && has(typeField)
}

// mark notes them in the entry. An edited time must not make true observations count as older. In an object restored from a backup, all
// fields are others' as well, but its generation is the first.
func (f *foreignFields) mark(entry *Entry) {
	if f.status {
		entry.UpdatedAt = 0
	}
	edited := entry.Generation > max(entry.ObservedGeneration, 1)
	entry.EditedID, entry.EditedType = edited && f.id, edited && f.kind
}
