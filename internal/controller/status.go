// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/cloudevents"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
	"github.com/livepeer/livepeer-task-operator/internal/webhook/backend"
)

// pollTimeRefresh is how old status.lastPollTime may get while nothing else changes, or how far ahead, as after a clock was set back. A
// write for each poll would be noise.
const pollTimeRefresh = 5 * time.Minute

// suspended returns the report of a suspended source.
func suspended(source *v1alpha1.LivepeerTaskSource) sourcesync.Report {
	return sourcesync.Unchanged(source, sourcesync.Outcome{
		Reason:  v1alpha1.ReasonSuspended,
		Message: "Polling is suspended and the mirrored tasks stay as they are: set spec.suspend to false to go on",
	})
}

// report writes the source's status where it changed.
func (r *SourceReconciler) report(ctx context.Context, source *v1alpha1.LivepeerTaskSource, report *sourcesync.Report) error {
	key := client.ObjectKeyFromObject(source)
	last := r.lastReported(source)
	if last.failed && !report.Ended && last.report.Generation == source.Generation { // write again what could not be written
		last.report.Silent = report.Silent
		report = &last.report
	}
	next := source.DeepCopy()
	if report.Ended {
		last.report = *report
		setProgress(next, report, r.index.Counts(taskstore.SourceIDOf(source)))
	}
	switch {
	case report.Silent != nil: // later than a report that could not be written
		setConditions(next, sourcesync.Outcome{Reason: report.Silent.Reason, Message: report.Silent.Message})
	case report.Judged:
		setConditions(next, report.Outcome)
	}
	if r.connector.Webhooks == nil {
		backend.RemoveCondition(next)
	} else {
		r.connector.Webhooks.SetCondition(next)
	}
	if r.delivering != nil {
		cloudevents.SetCondition(next, r.delivering(source))
	}
	r.measure(next, &last.report)
	polledAt, changed := last.report.PolledAt, differs(source, next)
	stale := source.Status.LastPollTime == nil || polledAt.Sub(source.Status.LastPollTime.Time).Abs() >= pollTimeRefresh
	if report.Ended && !polledAt.IsZero() && !report.Behind && (changed || stale) {
		next.Status.LastPollTime, changed = &metav1.Time{Time: polledAt.Truncate(time.Second)}, true
	}
	var err error
	if changed {
		if err = r.write(ctx, source, next); err == nil {
			compact(&next.ObjectMeta) // the response has all metadata
			last.source = next
		}
		last.failed = err != nil
	}
	if !source.Spec.Suspend {
		r.mu.Lock()
		r.last[key] = &last
		r.mu.Unlock()
	}
	return client.IgnoreNotFound(err)
}

// differs reports whether a status has to be written. That MirroredBefore begins to be known, as after a restart, can wait until a count
// of tasks changes.
func differs(source, next *v1alpha1.LivepeerTaskSource) bool {
	is := next.Status
	if source.Status.MirroredBefore == nil {
		is.MirroredBefore = nil
	}
	return !equality.Semantic.DeepEqual(source.Status, is)
}

// setProgress writes the progress of the mirroring into the status.
func setProgress(source *v1alpha1.LivepeerTaskSource, report *sourcesync.Report, counts v1alpha1.TaskCounts) {
	source.Status.ObservedGeneration = source.Generation
	source.Status.Tasks = counts
	source.Status.Tasks.Omitted = report.Omitted
	source.Status.SyncedGeneration, source.Status.MirroredBefore = report.SyncedGeneration, report.MirroredBefore
	if !report.FullSyncAt.IsZero() {
		source.Status.LastFullSyncTime = &metav1.Time{Time: report.FullSyncAt.Truncate(time.Second)}
		source.Status.LastHandledReconcileAt = report.Handled
	}
}

// write replaces the source's status.
func (r *SourceReconciler) write(ctx context.Context, source, next *v1alpha1.LivepeerTaskSource) error {
	release, ok := r.writes.TryAcquire(client.ObjectKeyFromObject(source))
	if !ok {
		return errCrowded
	}
	defer release()
	logHealth(ctx, source, next)
	patch, err := json.Marshal(map[string]any{
		// The whole status, not only what differs from the cache, so that counts of 0 show too.
		"status": wholeStatus{
			next.Status, next.Status.Conditions, next.Status.Receiver, next.Status.MirroredBefore, orNull(next.Status.SyncedGeneration),
			orNull(next.Status.LastHandledReconcileAt),
		},
		// If the source was changed, recreated, or moved to another operator since it was read, this status is outdated.
		"metadata": map[string]any{"resourceVersion": source.ResourceVersion},
	})
	if err != nil {
		return err
	}
	err = r.client.Status().Patch(ctx, next, client.RawPatch(types.MergePatchType, patch))
	if err == nil || !events.Answered(err) { // without an answer, it may be stored
		r.tellHealth(source, next)
	}
	return err
}

// wholeStatus is a status as a merge patch that also removes what is absent.
type wholeStatus struct {
	v1alpha1.LivepeerTaskSourceStatus
	Conditions             []metav1.Condition       `json:"conditions"`
	Receiver               *v1alpha1.ReceiverStatus `json:"receiver"`
	MirroredBefore         *int32                   `json:"mirroredBefore"`
	SyncedGeneration       any                      `json:"syncedGeneration"`
	LastHandledReconcileAt any                      `json:"lastHandledReconcileAt"`
}

// orNull is what a merge patch removes a field by where the value is that of an absent field.
func orNull[T comparable](value T) any {
	if value == *new(T) {
		return nil
	}
	return value
}

// setConditions sets Ready, and Reconciling or Stalled if they apply, as kstatus expects. A suspended source is
// as its spec wants it, and so Ready: Flux and kubectl wait must not wait for it.
func setConditions(source *v1alpha1.LivepeerTaskSource, out sourcesync.Outcome) {
	conditions := &source.Status.Conditions
	condition := metav1.Condition{
		Type:               v1alpha1.ConditionReady,
		Status:             metav1.ConditionFalse,
		Reason:             out.Reason,
		Message:            condition.Bounded(redact.Plain(out.Message), condition.MaxMessage), // it may quote an ID, or the API server
		ObservedGeneration: source.Generation,
	}
	also := v1alpha1.ConditionReconciling
	switch {
	case out.Reason == v1alpha1.ReasonSynced, out.Reason == v1alpha1.ReasonSuspended:
		condition.Status, also = metav1.ConditionTrue, ""
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

// logHealth logs if the reason of the Ready condition has changed.
func logHealth(ctx context.Context, before, after *v1alpha1.LivepeerTaskSource) {
	is, changed := newHealth(before, after)
	if !changed {
		return
	}
	logger := log.FromContext(ctx).WithValues("reason", is.Reason, "tasks", after.Status.Tasks.Total)
	switch {
	case meta.IsStatusConditionTrue(after.Status.Conditions, v1alpha1.ConditionStalled):
		logger.Error(nil, "Source is not ready until somebody acts", "message", is.Message)
	case notReady(is):
		logger.Info("Source is not ready", "message", is.Message)
	default:
		logger.Info("Source changed state", "message", is.Message)
	}
}
