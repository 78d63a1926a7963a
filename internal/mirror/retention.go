// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"cmp"
	"slices"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// defaultMaxTasks bounds finished tasks where history says nothing, as on an object stored without defaults.
const defaultMaxTasks = 10000

// Stamp orders finished tasks by age: by their last update (milliseconds since 1970), and by ID where that is the same.
type Stamp struct {
	UpdatedAt int64
	ID        string
}

// Compare is negative where s is older than other.
func (s Stamp) Compare(other Stamp) int {
	return cmp.Or(cmp.Compare(s.UpdatedAt, other.UpdatedAt), cmp.Compare(s.ID, other.ID))
}

// Oldest returns the oldest stamp that history keeps: finished tasks older than it are beyond the limits. finished holds
// the stamps of all finished tasks that are mirrored or about to be, each once; it is reordered. The zero Stamp, older
// than all, means that nothing is beyond the limits.
func Oldest(finished []Stamp, history v1alpha1.History, now time.Time) Stamp {
	var byAge Stamp
	if history.MaxAge != nil {
		byAge.UpdatedAt = now.Add(-history.MaxAge.Duration).UnixMilli()
	}
	limit := MaxTasks(history)
	if len(finished) <= limit {
		return byAge
	}
	slices.SortFunc(finished, func(a, b Stamp) int { return b.Compare(a) })
	byCount := Stamp{UpdatedAt: finished[0].UpdatedAt + 1} // for a limit of 0: just beyond the newest there is
	if limit > 0 {
		byCount = finished[limit-1]
	}
	if byCount.Compare(byAge) > 0 {
		return byCount
	}
	return byAge
}

// MaxTasks is how many finished tasks history keeps.
func MaxTasks(history v1alpha1.History) int {
	if history.MaxTasks == nil {
		return defaultMaxTasks
	}
	return int(*history.MaxTasks)
}

// StampOf is the observed task's place in history.
func StampOf(observation *Observation) Stamp {
	stamp := Stamp{ID: observation.ID}
	if observation.Status.UpdatedAt != nil {
		stamp.UpdatedAt = observation.Status.UpdatedAt.UnixMilli()
	}
	return stamp
}
