// SPDX-License-Identifier: Apache-2.0

package kubetest

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Storage is an API server as the operator's only writer of LivepeerTasks knows it.
type Storage struct{ client.Client }

// Create stores a new object.
func (s Storage) Create(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	return s.Client.Create(ctx, task)
}

// Update stores all but the status.
func (s Storage) Update(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	return s.Client.Update(ctx, task)
}

// UpdateStatus stores the status.
func (s Storage) UpdateStatus(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	return s.Client.Status().Update(ctx, task)
}

// Delete removes an object that is as the preconditions say.
func (s Storage) Delete(ctx context.Context, key types.NamespacedName, preconditions client.Preconditions) error {
	meta := metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}
	return s.Client.Delete(ctx, &v1alpha1.LivepeerTask{ObjectMeta: meta}, preconditions)
}
