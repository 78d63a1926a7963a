// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// metadataOnly makes the API server answer a write with the metadata of what it stored. The rest of a LivepeerTask is
// what was sent: 4 KB that need neither be sent back nor decoded.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

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

// send sends the task, and takes over the metadata that the API server answers.
func send(ctx context.Context, request *rest.Request, task *v1alpha1.LivepeerTask) error {
	result := request.Namespace(task.Namespace).Resource("livepeertasks").SetHeader("Accept", metadataOnly).Body(task).Do(ctx)
	if err := result.Error(); err != nil { // with what the API server says, which Raw leaves out
		return err
	}
	answer, err := result.Raw()
	if err != nil {
		return err
	}
	stored := &metav1.PartialObjectMetadata{}
	if err := json.Unmarshal(answer, stored); err != nil {
		return fmt.Errorf("answer of the API server: %w", err)
	}
	task.ObjectMeta = stored.ObjectMeta
	return nil
}
