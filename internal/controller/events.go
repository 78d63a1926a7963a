// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/events"
)

// setUpEvents adds the writer of Events to the manager.
func setUpEvents(mgr ctrl.Manager) (*events.Log, error) {
	events, err := events.NewLog(mgr.GetClient(), metrics.Registry, mgr.GetLogger().WithName("events"))
	if err != nil {
		return nil, err
	}
	return events, mgr.Add(events)
}

// tellHealth writes an Event if the reason of the Ready condition has changed.
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
