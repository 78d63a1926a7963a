// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"math"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// FieldManager is the name that the operator writes under.
const FieldManager = "livepeer-task-operator"

// updatedAtField is in the managed fields of whoever set status.updatedAt.
const updatedAtField = `"f:updatedAt"`

// Entry is what the operator knows of one stored LivepeerTask.
type Entry struct {
	Namespace       string
	Name            string
	UID             types.UID
	ResourceVersion string
	Generation      int64
	// OwnerName and OwnerUID name the LivepeerTaskSource that controls the task. Where none does, OwnerUID is empty and
	// OwnerName is what the label says.
	OwnerName string
	OwnerUID  types.UID

	ID    string
	Type  string
	Phase string
	// UpdatedAt is status.updatedAt in milliseconds since 1970; 0 where it is missing or somebody else wrote it.
	UpdatedAt          int64
	ObservedGeneration int64
	// Retries is how many times the task was tried again.
	Retries  int32
	Deleting bool
	// Waiting: it has transitions that are still to be sent.
	Waiting bool
	// Stalled: the status says that Studio has not updated the task for too long.
	Stalled bool

	SpecDigest   Digest
	StatusDigest Digest
}

// EntryOf reads a stored task.
func EntryOf(task *v1alpha1.LivepeerTask) Entry {
	entry := Entry{
		Namespace:          task.Namespace,
		Name:               task.Name,
		UID:                task.UID,
		ResourceVersion:    task.ResourceVersion,
		Generation:         task.Generation,
		ID:                 task.Spec.ID,
		Type:               task.Spec.Type,
		Phase:              task.Status.Phase,
		ObservedGeneration: task.Status.ObservedGeneration,
		Deleting:           task.DeletionTimestamp != nil,
		Waiting:            len(task.Status.Notifications) > 0,
		Stalled:            showsStalled(&task.Status),
		SpecDigest:         SpecDigest(task),
		StatusDigest:       StatusDigest(task),
	}
	if owner := metav1.GetControllerOfNoCopy(task); owner != nil {
		entry.OwnerName, entry.OwnerUID = owner.Name, owner.UID
	} else {
		entry.OwnerName = task.Labels[v1alpha1.LabelSource] // the owner was edited away
	}
	if task.Status.Retries != nil {
		entry.Retries = int32(min(max(*task.Status.Retries, 0), math.MaxInt32))
	}
	if task.Status.UpdatedAt != nil && !foreignStatus(task.ManagedFields) {
		entry.UpdatedAt = task.Status.UpdatedAt.UnixMilli()
	}
	return entry
}

// Finished reports whether the stored task has ended, well or not.
func (e *Entry) Finished() bool {
	return v1alpha1.IsFinishedPhase(e.Phase)
}

// Stamp is the stored task's place in history.
func (e *Entry) Stamp() Stamp {
	return Stamp{UpdatedAt: e.UpdatedAt, ID: e.ID}
}

// foreignStatus reports whether somebody else set status.updatedAt: a time made up by an editor must not keep true
// observations out for being older.
func foreignStatus(managed []metav1.ManagedFieldsEntry) bool {
	for i := range managed {
		entry := &managed[i]
		if entry.Manager != FieldManager && entry.FieldsV1 != nil &&
			bytes.Contains(entry.FieldsV1.GetRawBytes(), []byte(updatedAtField)) {
			return true
		}
	}
	return false
}
