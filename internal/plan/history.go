// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// defaultMaxTasks bounds finished tasks where history says nothing, as on an object stored without defaults.
const defaultMaxTasks = 10000

// Oldest returns the oldest stamp that history keeps: older finished tasks are beyond its limits. finished holds
// the stamps of all finished tasks that are mirrored or about to be, each once; Oldest reorders it. The zero Stamp is older
// than all others: nothing is beyond the limits.
func Oldest(finished []mirror.Stamp, history v1alpha1.History, now time.Time) mirror.Stamp {
	var byAge mirror.Stamp
	if history.MaxAge != nil {
		byAge.UpdatedAt = now.Add(-history.MaxAge.Duration).UnixMilli()
	}
	if byCount := oldestByCount(finished, history); byCount != (mirror.Stamp{}) && byCount.Compare(byAge) > 0 {
		return byCount
	}
	return byAge
}

// oldestByCount is Oldest by the limit of their number alone.
func oldestByCount(finished []mirror.Stamp, history v1alpha1.History) mirror.Stamp {
	limit := MaxTasks(history)
	if len(finished) <= limit {
		return mirror.Stamp{}
	}
	slices.SortFunc(finished, func(a, b mirror.Stamp) int { return b.Compare(a) })
	if limit == 0 {
		return mirror.Stamp{UpdatedAt: finished[0].UpdatedAt + 1} // just above the newest
	}
	return finished[limit-1]
}

// MaxTasks is how many finished tasks history keeps.
func MaxTasks(history v1alpha1.History) int {
	if history.MaxTasks == nil {
		return defaultMaxTasks
	}
	return int(*history.MaxTasks)
}
