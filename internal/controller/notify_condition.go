// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// setUpNotify adds the sender of CloudEvents to the manager.
func setUpNotify(mgr ctrl.Manager, sources *SourceReconciler, writer *taskstore.Writer, sinks *sinks, metrics *notifyMetrics) error {
	sender := &NotifyReconciler{
		client: mgr.GetClient(), index: sources.index, writer: writer, sinks: sinks, metrics: metrics, now: sources.now,
		indexed: sources.indexed, changed: sources.turnSoon, states: map[types.NamespacedName]*sending{},
		warn: func(source *v1alpha1.LivepeerTaskSource, is health) {
			tellHealth(sources.events, source, is, sources.now())
		},
	}
	sources.delivering = sender.health
	if err := sender.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("sender of CloudEvents: %w", err)
	}
	return nil
}

// health returns what is known of the sending of a source's events.
func (r *NotifyReconciler) health(source *v1alpha1.LivepeerTaskSource) health {
	r.mu.Lock()
	state, ok := r.states[sourceKey(source)]
	r.mu.Unlock()
	if !ok || state.uid != source.UID {
		return health{}
	}
	is, _ := state.condition(false)
	return is
}

// setDelivering sets the condition Delivering of a source that sends events, and takes it from one that does not. What is
// not known yet, as after a restart, stays as it was.
func setDelivering(source *v1alpha1.LivepeerTaskSource, is health) {
	if !source.SendsEvents() {
		meta.RemoveStatusCondition(&source.Status.Conditions, v1alpha1.ConditionDelivering)
		return
	}
	if is.Reason == "" {
		return
	}
	condition := metav1.Condition{
		Type: v1alpha1.ConditionDelivering, Status: metav1.ConditionTrue,
		Reason: is.Reason, Message: condition.Bounded(is.Message, condition.MaxMessage), ObservedGeneration: source.Generation,
	}
	if is.trouble() {
		condition.Status = metav1.ConditionFalse
	}
	meta.SetStatusCondition(&source.Status.Conditions, condition)
}

// toldBy returns what the source's condition says.
func toldBy(source *v1alpha1.LivepeerTaskSource) health {
	condition := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionDelivering)
	if condition == nil {
		return health{}
	}
	return health{Reason: condition.Reason, Message: condition.Message}
}

// saysSo reports whether the source's condition says that already.
func saysSo(source *v1alpha1.LivepeerTaskSource, is health) bool {
	is.Message = condition.Bounded(is.Message, condition.MaxMessage)
	return toldBy(source) == is
}

// tellHealth writes an Event on a source whose sending has got into trouble, or out of it.
func tellHealth(log *events.Log, source *v1alpha1.LivepeerTaskSource, is health, now time.Time) {
	log.Tell("LivepeerTaskSource", source, &events.Event{
		Action: events.Sending, Reason: is.Reason, Note: is.Message, Warning: is.trouble(), Identity: []any{now.UnixNano()},
	})
}
