// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

// collect does what the garbage collector of a real cluster does, and nobody does here: it deletes tasks whose owner is
// gone. Unless all is set, it leaves those alone that are in Studio, for the new source to have taken over.
func (w *world) collect(ctx context.Context, s *site, all bool) error {
	source := &v1alpha1.LivepeerTaskSource{}
	list := &v1alpha1.LivepeerTaskList{}
	err := w.insist(ctx, func(ctx context.Context) error {
		if err := w.bed.Admin.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		return w.bed.Admin.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: testbed.SourceName}, source)
	})
	if err != nil {
		return err
	}
	for i := range list.Items {
		task := &list.Items[i]
		owner := metav1.GetControllerOfNoCopy(task)
		if owner == nil || owner.UID == source.UID || !all && s.studio.alive(task.Spec.ID) {
			continue
		}
		// What goes wrong is left for the next time: the new source may have been quicker.
		_ = w.deleteByHand(ctx, task, client.Preconditions{UID: &task.UID, ResourceVersion: &task.ResourceVersion})
	}
	return ctx.Err()
}
