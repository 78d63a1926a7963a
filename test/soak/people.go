// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

const (
	// peoplePause is how long people rest, on average.
	peoplePause = 300 * time.Millisecond
	// edits is in how many ways people edit a task. As often they delete it.
	edits = 5
)

// meddle edits and deletes LivepeerTasks as people do, until ctx ends.
func (w *world) meddle(ctx context.Context, r *rand.Rand) {
	for pause(ctx, time.Duration(r.ExpFloat64()*float64(peoplePause))) {
		namespace := w.sites[r.IntN(len(w.sites))].namespace
		task := &v1alpha1.LivepeerTask{}
		key := types.NamespacedName{Namespace: namespace, Name: w.witness.some(r, namespace)}
		if w.bed.Admin.Get(ctx, key, task) != nil {
			continue // it is gone, or the API server restarts
		}
		how := r.IntN(2 * edits)
		err := w.meddleWith(ctx, task, how)
		w.ledger.note("people do %d to %s: %v", how, key, err)
		if err == nil {
			w.report.add(peoplesEdits, 1)
		}
	}
}

// deleteByHand deletes one task where the operator must not be blamed for it.
func (w *world) deleteByHand(ctx context.Context, task *v1alpha1.LivepeerTask, only client.Preconditions) error {
	takeBack := w.witness.byPeople(task.UID)
	err := w.bed.Admin.Delete(ctx, task, only)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		takeBack() // surely not deleted by hand
	}
	return err
}

// meddleWith edits a task in one of as many ways, or deletes it.
func (w *world) meddleWith(ctx context.Context, task *v1alpha1.LivepeerTask, how int) error {
	// A task that has lost both its owner and the label of its source is nobody's: they never take away the second of them.
	source, owned := task.Labels[v1alpha1.LabelSource], len(task.OwnerReferences) > 0
	switch how {
	case 0:
		task.Labels = map[string]string{v1alpha1.LabelType: "mine"}
		if !owned {
			task.Labels[v1alpha1.LabelSource] = source
		}
	case 1:
		if source != "" {
			task.OwnerReferences = nil
		}
	case 2:
		task.Spec.Type = "edited"
		task.Spec.Params = nil
	case 3:
		if !strings.HasPrefix(task.Name, sharedName) { // there, nobody could tell any more whose object it was
			task.Spec.ID = "edited-" + task.Name
		}
	case edits - 1:
		task.Status.Phase, task.Status.Output = "edited", nil
		return w.bed.Admin.Status().Update(ctx, task)
	default:
		return w.deleteByHand(ctx, task, client.Preconditions{UID: &task.UID})
	}
	return w.bed.Admin.Update(ctx, task)
}

// wipe deletes a source and all its tasks, as the garbage collector of a real cluster does.
func (w *world) wipe(ctx context.Context, s *site) error {
	if err := w.deleteSource(ctx, s); err != nil {
		return err
	}
	return w.insist(ctx, func(ctx context.Context) error {
		list := &v1alpha1.LivepeerTaskList{}
		if err := w.bed.Admin.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		for i := range list.Items {
			w.witness.byPeople(list.Items[i].UID)
		}
		return w.bed.Admin.DeleteAllOf(ctx, &v1alpha1.LivepeerTask{}, client.InNamespace(s.namespace))
	})
}

func (w *world) deleteSource(ctx context.Context, s *site) error {
	source := &v1alpha1.LivepeerTaskSource{}
	source.Namespace, source.Name = s.namespace, testbed.SourceName
	return w.insist(ctx, func(ctx context.Context) error { return client.IgnoreNotFound(w.bed.Admin.Delete(ctx, source)) })
}

func (w *world) createSource(ctx context.Context, s *site) error {
	return w.insist(ctx, func(ctx context.Context) error { return w.bed.Plane.Apply(ctx, testbed.Source(s.namespace, s.spec())) })
}

// requestSync asks for a full sync of a source.
func (w *world) requestSync(ctx context.Context, s *site, token string) error {
	return w.insist(ctx, func(ctx context.Context) error { return testbed.RequestSync(ctx, w.bed.Admin, s.namespace, token) })
}

// confirm does what the message of a source that has paused pruning says.
func (w *world) confirm(ctx context.Context, source *v1alpha1.LivepeerTaskSource, message string) error {
	_, token, found := strings.Cut(message, v1alpha1.AnnotationConfirmPrune+"=")
	if !found {
		return fmt.Errorf("no token in %q", message)
	}
	patch := client.MergeFrom(source.DeepCopy())
	metav1.SetMetaDataAnnotation(&source.ObjectMeta, v1alpha1.AnnotationConfirmPrune, token)
	return w.bed.Admin.Patch(ctx, source, patch)
}

// insist tries until it succeeds: the API server may restart just now.
func (w *world) insist(ctx context.Context, what func(context.Context) error) error {
	return until(ctx, time.Minute, what)
}

// until tries until what succeeds, for so long; the error is the last attempt's.
func until(ctx context.Context, patience time.Duration, what func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := what(ctx)
		if err == nil || !pause(ctx, 50*time.Millisecond) {
			return err
		}
	}
}
