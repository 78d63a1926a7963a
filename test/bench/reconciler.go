// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// measureReconciler does the operator's job as a textbook has it: list, and for each task, one after the other,
// CreateOrUpdate and a status update, with controller-runtime's typed client.
func measureReconciler(ctx context.Context, r *runner) error {
	return r.measurePeer(ctx, "reconciler", func(s *stage, a *account, passes func(func() error) error) error {
		return passes(func() error { return s.reconcile(ctx, a) })
	})
}

// reconcile makes one pass over the account, page by page.
func (s *stage) reconcile(ctx context.Context, a *account) error {
	redactor := redact.New(livepeertest.APIKey)
	for skip := 0; skip < len(a.ids); skip += 1000 {
		tasks, err := a.page(ctx, skip)
		if err != nil {
			return err
		}
		for _, raw := range tasks {
			task, err := desired(raw, namespace, redactor)
			if err != nil {
				return err
			}
			if err := s.reconcileOne(ctx, task); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stage) reconcileOne(ctx context.Context, desired *v1alpha1.LivepeerTask) error {
	task := &v1alpha1.LivepeerTask{}
	task.Namespace, task.Name = desired.Namespace, desired.Name
	_, err := controllerutil.CreateOrUpdate(ctx, s.rival, task, func() error {
		task.Labels, task.OwnerReferences, task.Spec = desired.Labels, desired.OwnerReferences, desired.Spec
		return nil
	})
	if err != nil {
		return err
	}
	observed(&desired.Status)
	if equality.Semantic.DeepEqual(task.Status, desired.Status) {
		return nil
	}
	task.Status = desired.Status
	return s.rival.Status().Update(ctx, task, &client.SubResourceUpdateOptions{})
}
