// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// metadataOnly makes the API server return only the metadata of what it stored. The rest of a LivepeerTask is
// what was sent: 4 KB that need neither be sent back nor decoded.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

// Storage stores LivepeerTasks. Writes set the metadata of the given task to that of the stored one, as far as the operator needs
// it; the rest stays as it was sent.
type Storage interface {
	// Create stores a new object without its status.
	Create(ctx context.Context, task *v1alpha1.LivepeerTask) error
	// Update stores all but the status, and UpdateStatus the status alone, of an object that has not changed since its resourceVersion.
	Update(ctx context.Context, task *v1alpha1.LivepeerTask) error
	UpdateStatus(ctx context.Context, task *v1alpha1.LivepeerTask) error
	Delete(ctx context.Context, key types.NamespacedName, preconditions client.Preconditions) error
}

// Open returns the writer of a manager's LivepeerTasks. Observers are called after each write.
func Open(mgr ctrl.Manager, index *Index, observers ...Observer) (*Writer, error) {
	tasks, err := RESTClient(mgr)
	if err != nil {
		return nil, err
	}
	return NewWriter(&api{client: mgr.GetClient(), tasks: tasks}, mgr.GetAPIReader(), index, observers...), nil
}

// RESTClient returns a client for requests about LivepeerTasks whose answers are not decoded.
func RESTClient(mgr ctrl.Manager) (rest.Interface, error) {
	tasks, err := apiutil.RESTClientForGVK(v1alpha1.GroupVersion.WithKind("LivepeerTask"), true, false, mgr.GetConfig(),
		serializer.NewCodecFactory(mgr.GetScheme()), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("client for LivepeerTasks: %w", err)
	}
	return tasks, nil
}

// api is the Storage of an API server.
type api struct {
	client client.Client
	tasks  rest.Interface
}

// Create stores the object, and ignores its status.
func (a *api) Create(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	return send(ctx, a.tasks.Post(), task)
}

// UpdateStatus stores the status, and ignores the rest.
func (a *api) UpdateStatus(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	return send(ctx, a.tasks.Put().Name(task.Name).SubResource("status"), task)
}

// Update stores all but the status.
func (a *api) Update(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	return a.client.Update(ctx, task, client.FieldOwner(mirror.FieldManager))
}

// Delete removes the object if it meets the preconditions.
func (a *api) Delete(ctx context.Context, key types.NamespacedName, preconditions client.Preconditions) error {
	meta := metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}
	return a.client.Delete(ctx, &v1alpha1.LivepeerTask{ObjectMeta: meta}, preconditions)
}

// send sends the task, and copies the metadata that the operator needs from the answer.
func send(ctx context.Context, request *rest.Request, task *v1alpha1.LivepeerTask) error {
	sent := *task
	sent.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("LivepeerTask"))
	body, err := json.Marshal(&sent)
	if err != nil {
		return fmt.Errorf("task to be stored: %w", err)
	}
	result := request.Namespace(task.Namespace).Resource("livepeertasks").Param("fieldManager", mirror.FieldManager).
		SetHeader("Accept", metadataOnly).
		SetHeader("Content-Type", "application/json").Body(body).Do(ctx)
	if err := result.Error(); err != nil { // with what the API server says, which Raw leaves out
		return err
	}
	answer, err := result.Raw()
	if err != nil {
		return err
	}
	// Managed fields and annotations are as large as all the rest, and not needed after an own write.
	var stored struct {
		Metadata struct {
			Name              string                  `json:"name"`
			Namespace         string                  `json:"namespace"`
			UID               types.UID               `json:"uid"`
			ResourceVersion   string                  `json:"resourceVersion"`
			Generation        int64                   `json:"generation"`
			DeletionTimestamp *metav1.Time            `json:"deletionTimestamp"`
			Labels            map[string]string       `json:"labels"`
			OwnerReferences   []metav1.OwnerReference `json:"ownerReferences"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(answer, &stored); err != nil {
		return fmt.Errorf("answer of the API server: %w", err)
	}
	meta := &stored.Metadata
	task.ObjectMeta = metav1.ObjectMeta{
		Name: meta.Name, Namespace: meta.Namespace, UID: meta.UID, ResourceVersion: meta.ResourceVersion,
		Generation: meta.Generation, DeletionTimestamp: meta.DeletionTimestamp, Labels: meta.Labels,
		OwnerReferences: meta.OwnerReferences,
	}
	return nil
}
