// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// versionMark stands for the resource version, which only the answer to the create tells.
const versionMark = "resource-version-goes-here"

// prepared is what is sent for one task, byte for byte, so that the loop has nothing to do but to send.
type prepared struct {
	namespace, name string
	create          []byte
	// The status update, before and after the resource version.
	before, after []byte
	// patch changes the status to that of the changed task.
	patch []byte
	// answer is the last one, which tells the resource version.
	answer string
}

// prepare makes the objects that the operator writes for the first n tasks of an account.
func prepare(a *account, namespace string, n int) ([]prepared, error) {
	redactor := redact.New(livepeertest.APIKey)
	objects := make([]prepared, n)
	for i := range n {
		raw, err := a.raw(i)
		if err != nil {
			return nil, err
		}
		task, err := desired(raw, namespace, redactor)
		if err != nil {
			return nil, err
		}
		if raw, err = json.Marshal(a.changed(i, time.Now())); err != nil {
			return nil, err
		}
		changed, err := desired(raw, namespace, redactor)
		if err != nil {
			return nil, err
		}
		if objects[i], err = prepareOne(task, changed); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// desired is the object that the operator makes of a task of the API.
func desired(raw []byte, namespace string, redactor *redact.Redactor) (*v1alpha1.LivepeerTask, error) {
	observation, err := mirror.Convert(raw, redactor)
	if err != nil {
		return nil, err
	}
	scope := plan.Scope{Namespace: namespace, Source: testbed.SourceName, SourceUID: "5a1e57ed-0000-4000-8000-0000000000bb"}
	nothing := func(string) (mirror.Entry, bool) { return mirror.Entry{}, false }
	plan := plan.Plan(scope, []*mirror.Observation{observation}, nothing)
	if len(plan.Actions) != 1 || plan.Actions[0].Desired == nil {
		return nil, fmt.Errorf("task %s would not be mirrored", observation.ID)
	}
	task := plan.Actions[0].Desired
	task.APIVersion, task.Kind = v1alpha1.GroupVersion.String(), "LivepeerTask"
	return task, nil
}

func prepareOne(task, changed *v1alpha1.LivepeerTask) (prepared, error) {
	p := prepared{namespace: task.Namespace, name: task.Name}
	created := task.DeepCopy()
	created.Status = v1alpha1.LivepeerTaskStatus{}
	var err error
	if p.create, err = json.Marshal(created); err != nil {
		return p, err
	}
	status := &v1alpha1.LivepeerTask{TypeMeta: task.TypeMeta, Spec: v1alpha1.LivepeerTaskSpec{ID: task.Spec.ID}, Status: task.Status}
	status.Namespace, status.Name, status.ResourceVersion = task.Namespace, task.Name, versionMark
	observed(&status.Status)
	whole, err := json.Marshal(status)
	if err != nil {
		return p, err
	}
	var found bool
	if p.before, p.after, found = bytes.Cut(whole, []byte(versionMark)); !found {
		return p, fmt.Errorf("no resource version in %s", whole)
	}
	observed(&changed.Status)
	p.patch, err = json.Marshal(map[string]any{"status": map[string]any{
		"phase": changed.Status.Phase, "progress": changed.Status.Progress, "createdAt": changed.Status.CreatedAt,
		"scheduledAt": changed.Status.ScheduledAt, "updatedAt": changed.Status.UpdatedAt, "conditions": changed.Status.Conditions,
	}})
	return p, err
}

// observed notes the first generation.
func observed(status *v1alpha1.LivepeerTaskStatus) {
	status.ObservedGeneration = 1
	for i := range status.Conditions {
		status.Conditions[i].ObservedGeneration = 1
	}
}
