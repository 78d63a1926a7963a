// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
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

// Wrote notes a transition that the operator tells of.
func (a *account) Wrote(change *taskstore.Change) {
	if change.Stored == nil {
		return
	}
	if name, ok := transition(&change.Action.Stored, change.Stored.UID, change.Stored); ok {
		a.telling.Lock()
		defer a.telling.Unlock()
		a.wasTold[name]++
	}
}

// toldOnce fails if a transition was told twice, or one that has not happened. Where the answer to a write is lost, it is not told.
func (a *account) toldOnce() {
	a.t.Helper()
	a.telling.Lock()
	defer a.telling.Unlock()
	untold := 0
	for name, times := range a.happened {
		if a.wasTold[name] > times {
			a.fatalf("%s happened %d times, and was told %d times", name, times, a.wasTold[name])
		}
		untold += times - a.wasTold[name]
	}
	for name := range a.wasTold {
		if a.happened[name] == 0 {
			a.fatalf("%s was told, and has not happened", name)
		}
	}
	if untold > a.api.Losses {
		a.fatalf("%d transitions were not told, and %d answers were lost", untold, a.api.Losses)
	}
}
