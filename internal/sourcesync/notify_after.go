// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"math"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// newsMargin is how far behind the latest known update a new task may still be news. A task may come into the cluster after
// later ones did, and clocks differ.
const newsMargin = 10 * time.Minute

// nothingIsNews is the time that no task changed after.
const nothingIsNews = math.MaxInt64

// newsAfter says, by what is stored, after which time a task must have changed to be news: none where the tasks have not
// been listed yet, or all of them were lost.
func newsAfter(status *v1alpha1.LivepeerTaskSourceStatus, stored int, newest int64) int64 {
	if status.LastFullSyncTime == nil || stored == 0 && status.Tasks.Total > 0 {
		return nothingIsNews
	}
	return newsSince(newest, status.LastFullSyncTime.Time)
}

// newsSince says the same by the latest update that was known when a listing of all tasks began: what changed before is
// stored, or was left out on purpose. Where none was known, it goes by the clock.
func newsSince(newest int64, began time.Time) int64 {
	if newest == 0 {
		newest = began.UnixMilli()
	}
	return newest - newsMargin.Milliseconds()
}

// newsNow returns the time after which a task that is new must have changed to be news.
func (s *shared) newsNow() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}
