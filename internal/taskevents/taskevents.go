// SPDX-License-Identifier: Apache-2.0

package taskevents

import (
	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// Teller makes Events of the writes of tasks. It is a taskstore.Observer.
type Teller struct {
	log *events.Log
}

// New returns a Teller that writes to the log.
func New(log *events.Log) *Teller { return &Teller{log: log} }

// Wrote writes an Event if a write of a task is worth one.
func (e *Teller) Wrote(change *taskstore.Change) {
	action, stored := change.Action, change.Stored
	if stored == nil {
		return
	}
	transition, ok := mirror.TransitionOf(&action.Stored, &stored.Status)
	if !ok || action.Stored.ObservedGeneration == 0 && !isNew(change.Scope, stored) {
		return
	}
	e.log.Tell("LivepeerTask", stored, &events.Event{
		Action: events.Mirroring,
		Reason: transition.Reason, Note: transition.Note, Warning: transition.Warning,
		Identity: []any{mirror.StatusID(stored)},
	})
}

// isNew reports whether a task that is stored for the first time is also new in Studio: by Studio's times, it was created after, or not
// long before, the last full sync of its source began.
func isNew(scope *plan.Scope, task *v1alpha1.LivepeerTask) bool {
	created := task.Status.CreatedAt
	return created != nil && created.UnixMilli() > scope.NotifyAfter
}
