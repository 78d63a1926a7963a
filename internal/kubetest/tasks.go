// SPDX-License-Identifier: Apache-2.0

package kubetest

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// ATask is a stored task of a source.
func ATask(name, source string, version int, change ...func(*v1alpha1.LivepeerTask)) *v1alpha1.LivepeerTask {
	task := &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "media", Name: name, UID: types.UID("uid-of-" + name), ResourceVersion: fmt.Sprint(version), Generation: 1,
			OwnerReferences: []metav1.OwnerReference{{Name: source, UID: types.UID("uid-of-" + source), Controller: new(true)}},
		},
		Spec:   v1alpha1.LivepeerTaskSpec{ID: name},
		Status: v1alpha1.LivepeerTaskStatus{ObservedGeneration: 1, Phase: v1alpha1.PhaseRunning},
	}
	if source == "" {
		task.OwnerReferences = nil
	}
	for _, f := range change {
		f(task)
	}
	return task
}

// InPhase lets a task be in a phase.
func InPhase(phase string) func(*v1alpha1.LivepeerTask) {
	return func(task *v1alpha1.LivepeerTask) { task.Status.Phase = phase }
}
