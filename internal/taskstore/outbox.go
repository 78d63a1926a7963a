// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// notifications puts the outbox into the status that an action writes: what waits already, and the phase that the task reaches
// with this write. One write stores both phase and outbox, so that no crash can come between them. It returns how many
// transitions had to be left out for want of room.
func (w *Writer) notifications(ctx context.Context, scope *plan.Scope, action *plan.Action) (lost int, err error) {
	status := &action.Desired.Status
	if !scope.Notify {
		return 0, nil
	}
	if action.Stored.Waiting {
		live := &v1alpha1.LivepeerTask{}
		key := types.NamespacedName{Namespace: action.Stored.Namespace, Name: action.Stored.Name}
		if err := w.live.Get(ctx, key, live); err != nil {
			return 0, err
		}
		status.Notifications = live.Status.Notifications
	}
	before := mirror.Before{
		New:   action.Verb == plan.Create || action.Stored.ObservedGeneration == 0,
		Phase: action.Stored.Phase, NotifyAfter: scope.NotifyAfter,
	}
	if reached, ok := mirror.Reached(before, status); ok {
		status.Notifications, lost = mirror.AppendTransition(status.Notifications, reached)
	}
	return lost, nil
}

// Waiting reads a task that has something to be sent; nil if it is gone.
func (w *Writer) Waiting(ctx context.Context, key types.NamespacedName) (*v1alpha1.LivepeerTask, error) {
	task, _, err := w.read(ctx, key)
	return task, err
}

// Acknowledge removes from a task's outbox what was sent, and leaves the rest of its status as it is. If somebody else has written the
// task meanwhile, it reads it and tries again.
func (w *Writer) Acknowledge(ctx context.Context, task *v1alpha1.LivepeerTask, sent []v1alpha1.Transition) error {
	key := client.ObjectKeyFromObject(task)
	release, err := w.slots.Acquire(ctx, types.NamespacedName{Namespace: key.Namespace, Name: task.Labels[v1alpha1.LabelSource]})
	if err != nil {
		return err
	}
	defer release()
	for attempt := 1; ; attempt++ {
		err := w.acknowledgeOnce(ctx, key, task, sent)
		if err == nil || !apierrors.IsConflict(err) || attempt == conflictAttempts {
			return client.IgnoreNotFound(err)
		}
		uid := task.UID
		if task, err = w.Waiting(ctx, key); err != nil || task == nil || task.UID != uid {
			return err
		}
	}
}

func (w *Writer) acknowledgeOnce(
	ctx context.Context, key types.NamespacedName, task *v1alpha1.LivepeerTask, sent []v1alpha1.Transition,
) error {
	desired := task.DeepCopy()
	desired.Status.Notifications = mirror.RemoveTransitions(task.Status.Notifications, sent)
	if len(desired.Status.Notifications) == len(task.Status.Notifications) {
		return nil
	}
	meta := task.ObjectMeta
	meta.Generation = task.Status.ObservedGeneration // observedGeneration stays as it was
	w.index.begin(key)
	stored, err := w.updateStatus(ctx, &meta, desired)
	if err != nil {
		w.index.done(key, nil)
		return err
	}
	stored.ManagedFields = task.ManagedFields // the answer has none, and what others have set is still theirs
	entry := mirror.EntryOf(stored)
	settled := StoredOf(&entry)
	w.index.keepFingerprint(key, settled)
	w.index.done(key, settled)
	return nil
}
