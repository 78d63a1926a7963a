// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/shard"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// measuring counts writes.
type measuring struct {
	*metrics.Metrics
	now func() time.Time
}

// Wrote counts a write.
func (m measuring) Wrote(change *taskstore.Change) {
	source := metrics.Source{Namespace: change.Scope.Namespace, Name: change.Scope.Source}
	m.Metrics.Wrote(source, writeOf(change.Action), m.now())
}

// measureSources makes the metrics of all sources, which are exported only by the leader.
func measureSources(mgr ctrl.Manager, index *taskstore.Index) (*metrics.Metrics, error) {
	m := metrics.New(crmetrics.Registry, func(source metrics.Source, uid types.UID, yield func(kind, phase string, count int)) {
		counts := index.Tally(taskstore.SourceID{Namespace: source.Namespace, UID: uid})
		for i, kind := range metrics.KnownTypes() {
			for j, phase := range metrics.KnownPhases() {
				if counts[i][j] > 0 {
					yield(kind, phase, int(counts[i][j]))
				}
			}
		}
	})
	return m, mgr.Add(m)
}

// writeOf says what an action has changed.
func writeOf(action *plan.Action) *metrics.Write {
	write := &metrics.Write{Verb: verbLabel(action.Verb), Before: action.Stored.Phase, UpdatedBefore: timeOf(action.Stored.UpdatedAt)}
	if action.Desired != nil {
		write.Type, write.Phase = action.Desired.Spec.Type, action.Desired.Status.Phase
		write.UpdatedAt = timeOf(mirror.StampOf(action.Observation).UpdatedAt)
	}
	return write
}

// timeOf converts milliseconds since 1970; 0 is no time.
func timeOf(milliseconds int64) time.Time {
	if milliseconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds)
}

func verbLabel(verb plan.Verb) string {
	switch verb {
	case plan.Create:
		return metrics.Create
	case plan.Update:
		return metrics.Update
	case plan.Delete:
		return metrics.Delete
	default:
		return metrics.UpdateStatus
	}
}

// measure updates the metrics of a source from its status and its last report.
func (r *SourceReconciler) measure(source *v1alpha1.LivepeerTaskSource, report *sourcesync.Report) {
	now := &metrics.State{
		UID: source.UID, Suspended: source.Spec.Suspend, PolledAt: report.PolledAt, FullSyncAt: report.FullSyncAt,
		Interval: source.Spec.Interval.Duration, FullInterval: source.Spec.ResyncInterval.Duration,
		Stalled:      meta.IsStatusConditionTrue(source.Status.Conditions, v1alpha1.ConditionStalled),
		StalledTasks: int(source.Status.Tasks.Stalled),
	}
	if ready := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		now.Reason, now.Ready = ready.Reason, meta.IsStatusConditionTrue(source.Status.Conditions, v1alpha1.ConditionReady)
	}
	r.metrics.Report(client.ObjectKeyFromObject(source), now)
}

// waiting returns a function that counts the tasks for which this operator has something to send.
func waiting(index *taskstore.Index, served *shard.Sources) func() int {
	if served == nil {
		return index.WaitingTasks
	}
	return func() int {
		return index.WaitingTasksOf(func(yield func(taskstore.SourceID) bool) {
			for source, uid := range served.All() {
				if !yield(taskstore.SourceID{Namespace: source.Namespace, UID: uid}) {
					return
				}
			}
		})
	}
}
