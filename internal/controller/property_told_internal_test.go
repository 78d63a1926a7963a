// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// transition names what a write makes of a task, where it is worth telling.
func transition(before *mirror.Entry, uid types.UID, after *v1alpha1.LivepeerTask) (string, bool) {
	of, ok := mirror.TransitionOf(before, &after.Status)
	return fmt.Sprintf("%s %s %s %v", after.Spec.ID, uid, of.Reason, after.Status.UpdatedAt), ok
}

// happens notes a transition that is being stored, whether or not the operator gets an answer.
func (a *account) happens(before, after *v1alpha1.LivepeerTask) {
	if before == nil || after == nil {
		return
	}
	entry := mirror.EntryOf(before)
	if name, ok := transition(&entry, after.UID, after); ok {
		a.telling.Lock()
		defer a.telling.Unlock()
		a.happened[name]++
	}
}

// wrote notes a transition that the operator tells of.
func (a *account) wrote(_ *mirror.Scope, action *mirror.Action, stored *v1alpha1.LivepeerTask) {
	if stored == nil {
		return
	}
	if name, ok := transition(&action.Stored, stored.UID, stored); ok {
		a.telling.Lock()
		defer a.telling.Unlock()
		a.wasTold[name]++
	}
}

// toldOnce fails unless every transition was told, and was told once.
func (a *account) toldOnce() {
	a.t.Helper()
	a.telling.Lock()
	defer a.telling.Unlock()
	if !maps.Equal(a.happened, a.wasTold) {
		a.fatalf("happened: %v, told: %v", a.happened, a.wasTold)
	}
}
