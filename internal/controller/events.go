// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// setUpEvents lets the manager write Events.
func setUpEvents(mgr ctrl.Manager) (*events.Log, error) {
	events, err := events.NewLog(mgr.GetClient(), metrics.Registry, mgr.GetLogger().WithName("events"))
	if err != nil {
		return nil, err
	}
	return events, mgr.Add(events)
}

// taskEvents makes Events of what is written of tasks.
type taskEvents struct {
	log     *events.Log
	sources client.Reader
}

// Wrote tells of what a write has made of a task.
func (e *taskEvents) Wrote(change *taskstore.Change) {
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

// tellHealth tells of a source that became well or unwell, or unwell in another way.
func (r *SourceReconciler) tellHealth(before, after *v1alpha1.LivepeerTaskSource) {
	is, changed := newHealth(before, after)
	if !changed {
		return
	}
	r.events.Tell("LivepeerTaskSource", after, &events.Event{
		Action: events.Mirroring,
		Reason: is.Reason, Note: is.Message, Warning: notReady(is), Identity: []any{before.ResourceVersion},
	})
}

// newHealth returns the Ready condition, and whether it has another reason than before.
func newHealth(before, after *v1alpha1.LivepeerTaskSource) (is *metav1.Condition, changed bool) {
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	is = meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReady)
	return is, is != nil && (was == nil || was.Reason != is.Reason)
}

// notReady reports whether a source that is in this condition needs attention.
func notReady(ready *metav1.Condition) bool {
	return ready.Status != metav1.ConditionTrue && ready.Reason != v1alpha1.ReasonSyncing
}
