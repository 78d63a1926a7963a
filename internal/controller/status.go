// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// pollTimeRefresh is how old status.lastPollTime may get while nothing else changes. A write a poll would be noise.
	pollTimeRefresh = 5 * time.Minute
)

// suspended is the state of a source that nobody wants polled.
func suspended() *condition.Error {
	return &condition.Error{
		Reason:  v1alpha1.ReasonSuspended,
		Message: "Polling is suspended and the mirrored tasks stay as they are: set spec.suspend to false to go on",
	}
}

// report writes the source's status where it changed. ended is how the turn ended.
func (r *SourceReconciler) report(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, state *progress, ended error,
) error {
	next := source.DeepCopy()
	next.Status.ObservedGeneration = source.Generation
	next.Status.Tasks = r.index.Counts(taskstore.SourceIDOf(source))
	next.Status.Tasks.Omitted = state.omitted
	if !state.fullAt.IsZero() {
		next.Status.LastFullSyncTime = &metav1.Time{Time: state.fullAt.Truncate(time.Second)}
		next.Status.LastHandledReconcileAt = state.handled
	}
	if !errors.Is(ended, errNotDue) {
		setConditions(next, judge(source, state, next.Status.Tasks.Total, ended))
	}
	r.setReceiving(next)
	if r.delivering != nil {
		setDelivering(next, r.delivering(source))
	}
	r.measure(next, state)
	changed := !equality.Semantic.DeepEqual(source.Status, next.Status)
	stale := source.Status.LastPollTime == nil || state.polledAt.Sub(source.Status.LastPollTime.Time) >= pollTimeRefresh
	if !state.polledAt.IsZero() && len(state.pending) == 0 && (changed || stale) {
		next.Status.LastPollTime = &metav1.Time{Time: state.polledAt.Truncate(time.Second)}
	}
	if equality.Semantic.DeepEqual(source.Status, next.Status) {
		return nil
	}
	logHealth(ctx, source, next)
	// The whole status, not only what differs from the cache: counts of 0 are to be seen as well.
	patch, err := json.Marshal(map[string]any{"status": wholeStatus{next.Status, next.Status.Receiver}})
	if err != nil {
		return err
	}
	err = r.client.Status().Patch(ctx, next, client.RawPatch(types.MergePatchType, patch))
	if err == nil || !events.Answered(err) { // it may be stored
		r.tellHealth(source, next)
	}
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	state.written = next
	return nil
}

// wholeStatus is a status as a merge patch, which takes away what is gone.
type wholeStatus struct {
	v1alpha1.LivepeerTaskSourceStatus
	Receiver *v1alpha1.ReceiverStatus `json:"receiver"`
}

// judge decides what the Ready condition says. A failed turn comes first, then what needs somebody's help, then how far
// the first sync is.
func judge(source *v1alpha1.LivepeerTaskSource, state *progress, mirrored int32, err error) outcome {
	var trouble *condition.Error
	switch {
	case err != nil:
		return outcomeOf(err, max(1, state.failures), source.Spec.Interval.Duration)
	case state.paused != nil:
		trouble = state.paused.trouble(source)
	case state.problems.trouble() != nil:
		trouble = state.problems.trouble()
	case state.unreadable > 0:
		trouble = unreadable(state.unreadable)
	case !state.synced:
		return outcome{
			Reason:  v1alpha1.ReasonSyncing,
			Message: fmt.Sprintf("Listing all tasks of %s: %d mirrored so far", source.Spec.URL, mirrored),
		}
	default:
		return outcome{Reason: v1alpha1.ReasonSynced, Message: "Mirroring the tasks of " + source.Spec.URL}
	}
	return outcome{Reason: trouble.Reason, Message: trouble.Message, Stalled: trouble.Stalled}
}

// setConditions sets Ready, and Reconciling or Stalled where they apply, as kstatus reads them.
func setConditions(source *v1alpha1.LivepeerTaskSource, out outcome) {
	conditions := &source.Status.Conditions
	condition := metav1.Condition{
		Type:               v1alpha1.ConditionReady,
		Status:             metav1.ConditionFalse,
		Reason:             out.Reason,
		Message:            condition.Bounded(out.Message, condition.MaxMessage),
		ObservedGeneration: source.Generation,
	}
	also := v1alpha1.ConditionReconciling
	switch {
	case out.Reason == v1alpha1.ReasonSynced:
		condition.Status, also = metav1.ConditionTrue, ""
	case out.Reason == v1alpha1.ReasonSuspended:
		also = ""
	case out.Stalled:
		also = v1alpha1.ConditionStalled
	}
	meta.SetStatusCondition(conditions, condition)
	for _, extra := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if extra != also {
			meta.RemoveStatusCondition(conditions, extra)
			continue
		}
		condition.Type, condition.Status = extra, metav1.ConditionTrue
		meta.SetStatusCondition(conditions, condition)
	}
}

// logHealth logs when a source becomes well or unwell, or unwell in another way.
func logHealth(ctx context.Context, before, after *v1alpha1.LivepeerTaskSource) {
	is, changed := newHealth(before, after)
	if !changed {
		return
	}
	logger := log.FromContext(ctx).WithValues("reason", is.Reason, "tasks", after.Status.Tasks.Total)
	if !inTrouble(is) {
		logger.Info("Source changed state", "message", is.Message)
		return
	}
	logger.Info("Source is in trouble", "message", is.Message)
}
