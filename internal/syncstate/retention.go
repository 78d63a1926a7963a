// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"math"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// notifyMargin is how far behind the latest known update a new task is still worth a notification. Tasks may be stored in another
// order than that of their updates, and clocks differ.
const notifyMargin = 10 * time.Minute

// farAhead is how far in the future a stored update may be to count as the latest one after a restart. Studio's clock is not that far
// ahead; such a time would suppress all notifications of new tasks until the next full sync.
const farAhead = 24 * time.Hour

// notifyNothing is a time after which no task changed.
const notifyNothing = math.MaxInt64

// Retention says which tasks history leaves out, and which new tasks are worth a notification.
type Retention struct {
	// Cutoff: history must not bring back older finished tasks.
	Cutoff mirror.Stamp
	// Omitted counts the tasks beyond the limits of history, as of the last full sync.
	Omitted int32
	// pruned counts the tasks that history has removed since Omitted was counted.
	pruned int32
	// NotifyAfter is the time in Studio, in milliseconds since 1970, after which a task that is new here must have changed for a
	// notification.
	NotifyAfter int64
}

// Raise moves the cutoff forward, never back.
func (r *Retention) Raise(cutoff mirror.Stamp) {
	if cutoff.Compare(r.Cutoff) > 0 {
		r.Cutoff = cutoff
	}
}

// Pruned takes in how many tasks history has removed.
func (r *Retention) Pruned(n int) {
	r.pruned += int32(n) //nolint:gosec // A count of tasks of one account.
}

func (r *Retention) listed(of *Listing) {
	if of.Whole {
		r.Omitted = int32(of.Omitted) //nolint:gosec // Likewise.
	} else {
		r.Omitted += r.pruned
	}
	r.pruned = 0
	r.NotifyAfter = notifySince(of.Newest, of.Began)
}

// notifyAfter returns, by what is stored, the time after which a new task must have changed for a notification: notifyNothing if the
// tasks have not been listed yet, or all stored ones were lost.
func notifyAfter(status *v1alpha1.LivepeerTaskSourceStatus, stored int, newest int64) int64 {
	if status.LastFullSyncTime == nil || stored == 0 && status.Tasks.Total > 0 {
		return notifyNothing
	}
	return notifySince(newest, status.LastFullSyncTime.Time)
}

// notifySince returns that time by the latest update that was known when a full sync began: tasks that changed before are
// stored, or were left out on purpose. If none was known, it goes by the clock.
func notifySince(newest int64, began time.Time) int64 {
	if newest == 0 {
		newest = began.UnixMilli()
	}
	return newest - notifyMargin.Milliseconds()
}
