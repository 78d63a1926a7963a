// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

const noon = int64(1587667174725) // a time in milliseconds since 1970

// failer is what the helpers need of *testing.T and *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// throughJSON returns what the API server answers when it was sent this object: unknown to it are types of Go, and it
// reads free-form JSON into numbers of its own.
func throughJSON(t failer, task *v1alpha1.LivepeerTask) *v1alpha1.LivepeerTask {
	t.Helper()
	sent, err := json.Marshal(task)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var kept map[string]any
	if err := json.Unmarshal(sent, &kept); err != nil {
		t.Fatalf("%s: %v", sent, err)
	}
	answered, err := json.Marshal(kept)
	if err != nil {
		t.Fatalf("%v", err)
	}
	read := &v1alpha1.LivepeerTask{}
	if err := json.Unmarshal(answered, read); err != nil {
		t.Fatalf("%s: %v", answered, err)
	}
	return read
}

// observed is what the API says about a task.
func observed(id, taskType, phase string, updatedAt int64) *Observation {
	raw, err := json.Marshal(map[string]any{
		"id": id, "type": taskType, "createdAt": 1587667174725, "projectId": "project",
		"params": map[string]any{"upload": map[string]any{"url": "https://example.org/" + taskType}},
		"status": map[string]any{"phase": phase, "updatedAt": updatedAt, "progress": 0.5},
	})
	if err != nil {
		panic(err)
	}
	o, err := Convert(raw, redact.New())
	if err != nil {
		panic(err)
	}
	return o
}

// objectOf is an object that mirrors an observation, of the source main in the namespace media.
func objectOf(o *Observation, name string) *v1alpha1.LivepeerTask {
	labels := map[string]string{v1alpha1.LabelSource: "main"}
	if taskType := LabelValue(o.Spec.Type); taskType != "" {
		labels[v1alpha1.LabelType] = taskType
	}
	return &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "media", Labels: labels,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: "LivepeerTaskSource", Name: "main", UID: "uid-of-main", Controller: new(true),
			}},
		},
		Spec: o.Spec, Status: o.Status,
	}
}

// edited says that somebody else has set a field of the spec.
func edited(task *v1alpha1.LivepeerTask, field string) {
	task.Generation = task.Status.ObservedGeneration + 1
	task.ManagedFields = []metav1.ManagedFieldsEntry{{
		Manager: "kubectl-edit", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"` + field + `":{}}}`),
	}}
}
