// SPDX-License-Identifier: Apache-2.0

package taskevents

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// Teller makes Events of what is written of tasks. It is a taskstore.Observer.
type Teller struct {
	log     *events.Log
	sources client.Reader
}

// New returns what tells the log. Sources are read from a cache.
func New(log *events.Log, sources client.Reader) *Teller { return &Teller{log: log, sources: sources} }

// Wrote tells of what a write has made of a task.
func (e *Teller) Wrote(change *taskstore.Change) {
	action, stored := change.Action, change.Stored
	if stored == nil {
		return
	}
	transition, ok := mirror.TransitionOf(&action.Stored, &stored.Status)
	if !ok || action.Stored.ObservedGeneration == 0 && !isNew(e.sources, change.Scope, stored) {
		return
	}
	e.log.Tell("LivepeerTask", stored, &events.Event{
		Action: events.Mirroring,
		Reason: transition.Reason, Note: transition.Note, Warning: transition.Warning,
		Identity: []any{mirror.StatusID(stored)},
	})
}

// newMargin is how much before the last full sync a task may have been made to be new, for clocks that differ from Studio's.
const newMargin = 2 * time.Minute

// isNew reports whether a task that is stored for the first time is new in Studio as well, and not only here: it was made
// since the last full sync of its source, which has seen all others.
func isNew(sources client.Reader, scope *plan.Scope, task *v1alpha1.LivepeerTask) bool {
	source := &v1alpha1.LivepeerTaskSource{}
	key := types.NamespacedName{Namespace: scope.Namespace, Name: scope.Source}
	if err := sources.Get(context.Background(), key, source); err != nil { // the cache answers
		return false
	}
	synced, created := source.Status.LastFullSyncTime, task.Status.CreatedAt
	return synced != nil && created != nil && created.After(synced.Add(-newMargin))
}
