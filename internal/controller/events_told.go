// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// setUpEvents lets the manager write Events, of each write that the writer carries out among others.
func setUpEvents(mgr ctrl.Manager, writer *writer) (*eventLog, error) {
	events, err := newEventLog(mgr.GetClient(), metrics.Registry, mgr.GetLogger().WithName("events"))
	if err != nil {
		return nil, err
	}
	also := writer.wrote
	writer.wrote = func(scope *mirror.Scope, action *mirror.Action, stored *v1alpha1.LivepeerTask) {
		also(scope, action, stored)
		events.tellTask(mgr.GetClient(), scope, action, stored)
	}
	return events, mgr.Add(events)
}

// tellTask tells of what a write that was carried out has made of a task; sources finds a task's source.
func (l *eventLog) tellTask(
	sources client.Reader, scope *mirror.Scope, action *mirror.Action, stored *v1alpha1.LivepeerTask,
) {
	if stored == nil {
		return
	}
	transition, ok := mirror.TransitionOf(&action.Stored, &stored.Status)
	if !ok || action.Stored.ObservedGeneration == 0 && !isNew(sources, scope, stored) {
		return
	}
	l.tell("LivepeerTask", stored, &news{
		reason: transition.Reason, note: transition.Note, warning: transition.Warning,
		identity: []any{mirror.StatusID(stored)},
	})
}

// isNew reports whether a task that is stored for the first time is new in Studio as well, and not only here: it was made
// since the last full sync of its source, which has seen all others.
func isNew(sources client.Reader, scope *mirror.Scope, task *v1alpha1.LivepeerTask) bool {
	source := &v1alpha1.LivepeerTaskSource{}
	key := types.NamespacedName{Namespace: scope.Namespace, Name: scope.Source}
	if err := sources.Get(context.Background(), key, source); err != nil { // the cache answers
		return false
	}
	synced, created := source.Status.LastFullSyncTime, task.Status.CreatedAt
	return synced != nil && created != nil && created.After(synced.Add(-restartMargin))
}

// tellHealth tells of a source that became well or unwell, or unwell in another way.
func (r *SourceReconciler) tellHealth(before, after *v1alpha1.LivepeerTaskSource) {
	is, changed := newHealth(before, after)
	if !changed {
		return
	}
	r.events.tell("LivepeerTaskSource", after, &news{
		reason: is.Reason, note: is.Message, warning: inTrouble(is), identity: []any{before.ResourceVersion},
	})
}

// newHealth returns the Ready condition, and whether it has another reason than before.
func newHealth(before, after *v1alpha1.LivepeerTaskSource) (is *metav1.Condition, changed bool) {
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	is = meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReady)
	return is, is != nil && (was == nil || was.Reason != is.Reason)
}

// inTrouble reports whether a source that is in this condition needs attention.
func inTrouble(ready *metav1.Condition) bool {
	return ready.Status != metav1.ConditionTrue && ready.Reason != v1alpha1.ReasonSyncing
}
