// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"encoding/hex"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// FieldManager is the name that the operator writes under.
const FieldManager = "livepeer-task-operator"

// compactMark starts the generateName of a compact task. No stored object can have it: a colon is not allowed there.
const compactMark = "digest:"

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
	Deleting           bool

	SpecDigest   Digest
	StatusDigest Digest
}

// Compact reduces a stored task, in place, to what EntryOf needs, so that 100,000 of them fit into memory. The digests
// of what is dropped are kept in metadata.generateName, which mirrored tasks don't use. Compacting twice changes nothing.
func Compact(task *v1alpha1.LivepeerTask) {
	if strings.HasPrefix(task.GenerateName, compactMark) {
		return
	}
	spec, status := SpecDigest(task), StatusDigest(task)
	updatedAt := task.Status.UpdatedAt
	if foreignStatus(task.ManagedFields) {
		updatedAt = nil
	}
	*task = v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{
			Name:              task.Name,
			Namespace:         task.Namespace,
			UID:               task.UID,
			ResourceVersion:   task.ResourceVersion,
			Generation:        task.Generation,
			DeletionTimestamp: task.DeletionTimestamp,
			Labels:            orphanLabel(task),
			OwnerReferences:   controllerOnly(task.OwnerReferences),
			GenerateName:      compactMark + hex.EncodeToString([]byte(spec+status)),
		},
		Spec: v1alpha1.LivepeerTaskSpec{ID: task.Spec.ID, Type: task.Spec.Type},
		Status: v1alpha1.LivepeerTaskStatus{
			ObservedGeneration: task.Status.ObservedGeneration,
			Phase:              task.Status.Phase,
			UpdatedAt:          updatedAt,
		},
	}
}

// EntryOf reads a stored task, compact or whole.
func EntryOf(task *v1alpha1.LivepeerTask) Entry {
	if !strings.HasPrefix(task.GenerateName, compactMark) {
		task = task.DeepCopy()
		Compact(task)
	}
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
	}
	if owner := metav1.GetControllerOfNoCopy(task); owner != nil {
		entry.OwnerName, entry.OwnerUID = owner.Name, owner.UID
	} else {
		entry.OwnerName = task.Labels[v1alpha1.LabelSource] // the owner was edited away
	}
	if task.Status.UpdatedAt != nil {
		entry.UpdatedAt = task.Status.UpdatedAt.UnixMilli()
	}
	sums, err := hex.DecodeString(strings.TrimPrefix(task.GenerateName, compactMark))
	if err == nil && len(sums) == 2*digestSize {
		entry.SpecDigest, entry.StatusDigest = Digest(sums[:digestSize]), Digest(sums[digestSize:])
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
			bytes.Contains(entry.FieldsV1.GetRawBytes(), []byte(`"f:updatedAt"`)) {
			return true
		}
	}
	return false
}

func controllerOnly(owners []metav1.OwnerReference) []metav1.OwnerReference {
	for i := range owners {
		if owners[i].Controller != nil && *owners[i].Controller {
			return []metav1.OwnerReference{owners[i]}
		}
	}
	return nil
}

// orphanLabel keeps, of a task without an owner, which source it came from.
func orphanLabel(task *v1alpha1.LivepeerTask) map[string]string {
	source := task.Labels[v1alpha1.LabelSource]
	if source == "" || metav1.GetControllerOfNoCopy(task) != nil {
		return nil
	}
	return map[string]string{v1alpha1.LabelSource: source}
}
