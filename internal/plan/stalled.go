// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// StalledBefore returns the time, in milliseconds since 1970, for Scope.StalledBefore: at now, a task is stalled if its last update
// was before it. It returns 0 if no task ever stalls.
func StalledBefore(after *metav1.Duration, now time.Time) int64 {
	if after == nil || after.Duration <= 0 {
		return 0
	}
	return max(0, now.Add(-after.Duration).UnixMilli())
}

// stalls reports whether a task counts as stalled in this scope.
func (s *Scope) stalls(status *v1alpha1.LivepeerTaskStatus) bool {
	return mirror.CanStall(status.Phase) && status.UpdatedAt != nil && status.UpdatedAt.UnixMilli() < s.StalledBefore
}

// stalled returns the status of a task that Studio has not updated for too long: Ready stays what it is, and Stalled takes
// the place of Reconciling.
func stalled(status v1alpha1.LivepeerTaskStatus) v1alpha1.LivepeerTaskStatus {
	since := status.UpdatedAt.UTC().Truncate(time.Second)
	conditions := make([]metav1.Condition, 0, len(status.Conditions))
	for _, condition := range status.Conditions {
		if condition.Type == v1alpha1.ConditionFinished {
			condition.Message = "No update since " + since.Format(time.RFC3339) + "."
		}
		if condition.Type != v1alpha1.ConditionReconciling {
			conditions = append(conditions, condition)
		}
	}
	conditions = append(conditions, metav1.Condition{
		Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNoUpdate,
		LastTransitionTime: metav1.NewTime(since),
		Message: fmt.Sprintf("Studio has not updated the task since %s, longer than spec.stallAfter of its source. Look at it in "+
			"Studio, where it can be retried, or ask Livepeer's support.", since.Format(time.RFC3339)),
	})
	status.Conditions = conditions
	return status
}
