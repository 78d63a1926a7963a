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
)

// metadataOnly makes the API server answer a write with the metadata of what it stored. The rest of a LivepeerTask is
// what was sent: 4 KB that need neither be sent back nor decoded.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

// Open returns the writer of a manager's LivepeerTasks. Observers are told of each write.
func Open(mgr ctrl.Manager, index *Index, observers ...Observer) (*Writer, error) {
	tasks, err := RESTClient(mgr)
	if err != nil {
		return nil, err
	}
	return NewWriter(&leanClient{Client: mgr.GetClient(), tasks: tasks}, mgr.GetAPIReader(), index, observers...), nil
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

// leanClient is a client that, of what it makes of LivepeerTasks and of their status, takes only the metadata from the
// answer.
type leanClient struct {
	client.Client
	tasks rest.Interface
}

// Create stores a new object.
func (c *leanClient) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	task, ok := obj.(*v1alpha1.LivepeerTask)
	if !ok {
		return c.Client.Create(ctx, obj, opts...)
	}
	options := (&client.CreateOptions{}).ApplyOptions(opts)
	return send(ctx, c.tasks.Post().Param("fieldManager", options.FieldManager), task)
}

// Status returns the writer of a status.
func (c *leanClient) Status() client.SubResourceWriter {
	return &leanStatus{SubResourceWriter: c.Client.Status(), tasks: c.tasks}
}

type leanStatus struct {
	client.SubResourceWriter
	tasks rest.Interface
}

// Update replaces the status of an object.
func (s *leanStatus) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	task, ok := obj.(*v1alpha1.LivepeerTask)
	if !ok {
		return s.SubResourceWriter.Update(ctx, obj, opts...)
	}
	options := (&client.SubResourceUpdateOptions{}).ApplyOptions(opts)
	return send(ctx, s.tasks.Put().Name(task.Name).SubResource("status").Param("fieldManager", options.FieldManager), task)
}

// send sends the task, and takes over of the answer what the operator needs to know of its metadata.
func send(ctx context.Context, request *rest.Request, task *v1alpha1.LivepeerTask) error {
	sent := *task
	sent.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("LivepeerTask"))
	body, err := json.Marshal(&sent)
	if err != nil {
		return fmt.Errorf("task to be stored: %w", err)
	}
	result := request.Namespace(task.Namespace).Resource("livepeertasks").SetHeader("Accept", metadataOnly).
		SetHeader("Content-Type", "application/json").Body(body).Do(ctx)
	if err := result.Error(); err != nil { // with what the API server says, which Raw leaves out
		return err
	}
	answer, err := result.Raw()
	if err != nil {
		return err
	}
	// Managed fields and annotations are as large as all the rest, and nobody asks for them after an own write.
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
