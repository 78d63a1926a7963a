// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"cmp"
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// create stores the object, then its status. If the second write fails, it returns the object as it is stored, and the error.
func (w *Writer) create(ctx context.Context, action *plan.Action) (*v1alpha1.LivepeerTask, error) {
	created := action.Desired.DeepCopy()
	created.Status = v1alpha1.LivepeerTaskStatus{}
	if err := w.storage.Create(ctx, created); err != nil {
		return nil, err
	}
	return w.statusAfter(ctx, created, action.Desired)
}

// update corrects spec, labels and owner, and keeps what others added. It reads the object first, because the
// index does not keep these additions.
func (w *Writer) update(ctx context.Context, action *plan.Action) (*v1alpha1.LivepeerTask, error) {
	live := &v1alpha1.LivepeerTask{}
	if err := w.live.Get(ctx, client.ObjectKeyFromObject(action.Desired), live); err != nil {
		return nil, err
	}
	if live.ResourceVersion != action.Stored.ResourceVersion {
		return nil, changedSince(live)
	}
	live.Spec = action.Desired.Spec
	live.OwnerReferences = withController(live.OwnerReferences, action.Desired.OwnerReferences[0])
	delete(live.Labels, v1alpha1.LabelType)
	for key, value := range action.Desired.Labels {
		metav1.SetMetaDataLabel(&live.ObjectMeta, key, value)
	}
	if err := w.storage.Update(ctx, live); err != nil {
		return nil, err
	}
	return w.statusAfter(ctx, live, action.Desired)
}

func (w *Writer) statusAfter(ctx context.Context, stored, desired *v1alpha1.LivepeerTask) (*v1alpha1.LivepeerTask, error) {
	updated, err := w.updateStatus(ctx, &stored.ObjectMeta, desired)
	if err != nil {
		return stored, err
	}
	return updated, nil
}

// updateStatus replaces the status of the object that meta names, if it has not changed since. It sends no more of the
// object than is needed for that.
func (w *Writer) updateStatus(
	ctx context.Context, meta *metav1.ObjectMeta, desired *v1alpha1.LivepeerTask,
) (*v1alpha1.LivepeerTask, error) {
	task := &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{
			Name: meta.Name, Namespace: meta.Namespace, UID: meta.UID, ResourceVersion: meta.ResourceVersion,
		},
		Spec:   v1alpha1.LivepeerTaskSpec{ID: desired.Spec.ID},
		Status: *desired.Status.DeepCopy(),
	}
	task.Status.ObservedGeneration = meta.Generation
	for i := range task.Status.Conditions {
		task.Status.Conditions[i].ObservedGeneration = meta.Generation
	}
	if err := w.storage.UpdateStatus(ctx, task); err != nil {
		return nil, err
	}
	task.Spec = desired.Spec // only its ID was sent
	return task, nil
}

// Restore makes the scope's source the owner of a task, and corrects its label, and its ID unless id is empty: then nobody can tell
// the true one. If somebody has written the task meanwhile, or the write is refused, it is left to the next full sync.
func (w *Writer) Restore(ctx context.Context, scope *plan.Scope, edited *mirror.Entry, id string) error {
	key := types.NamespacedName{Namespace: edited.Namespace, Name: edited.Name}
	if id == "" && edited.SourceLabel == scope.Source && edited.OwnerUID == scope.SourceUID {
		return nil
	}
	live := &v1alpha1.LivepeerTask{}
	if err := w.live.Get(ctx, key, live); apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return &WriteError{Verb: plan.Update, Err: err}
	}
	if live.ResourceVersion != edited.ResourceVersion {
		return nil
	}
	live.Spec.ID = cmp.Or(id, live.Spec.ID)
	metav1.SetMetaDataLabel(&live.ObjectMeta, v1alpha1.LabelSource, scope.Source)
	live.OwnerReferences = withController(live.OwnerReferences, scope.Owner())
	w.index.begin(key)
	err := w.storage.Update(ctx, live)
	if err == nil && id != "" { // sets observedGeneration: a later edit of the ID shows
		live, err = w.updateStatus(ctx, &live.ObjectMeta, live)
	}
	if err != nil {
		w.index.done(key, nil)
		if overtaken(err) || Refused(err) {
			return nil
		}
		return &WriteError{Verb: plan.Update, Err: err}
	}
	entry := mirror.EntryOf(live)
	w.index.done(key, StoredOf(&entry))
	return nil
}

// delete removes the object if it is still exactly the one that was planned for.
func (w *Writer) delete(ctx context.Context, stored *mirror.Entry) error {
	key := types.NamespacedName{Namespace: stored.Namespace, Name: stored.Name}
	w.index.begin(key)
	err := w.storage.Delete(ctx, key, client.Preconditions{UID: &stored.UID, ResourceVersion: &stored.ResourceVersion})
	if err != nil && !apierrors.IsNotFound(err) {
		w.index.done(key, nil)
		return err
	}
	w.index.gone(key, stored.UID)
	return nil
}

// withController replaces the controlling owner and keeps the others.
func withController(owners []metav1.OwnerReference, controller metav1.OwnerReference) []metav1.OwnerReference {
	kept := []metav1.OwnerReference{controller}
	for _, owner := range owners {
		if owner.UID != controller.UID && (owner.Controller == nil || !*owner.Controller) {
			kept = append(kept, owner)
		}
	}
	return kept
}
