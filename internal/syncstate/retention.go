// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"math"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// notifyMargin is how far behind the latest known update a new task is still notified of. A task may come into the cluster after
// later ones did, and clocks differ.
const notifyMargin = 10 * time.Minute

// farAhead is how far an update may be in the future to say what was there before a restart. Studio's clock is not that far
// ahead, and a time that nobody reaches would keep all notifications of new tasks back until the next full sync.
const farAhead = 24 * time.Hour

// notifyNothing is the time that no task changed after.
const notifyNothing = math.MaxInt64

// Retention is which tasks are left out, by the limits of history, and which are worth a notification.
type Retention struct {
	// Cutoff: history must not bring back what is older.
	Cutoff mirror.Stamp
	// Omitted counts the tasks beyond the limits of history, as of the last full sync.
	Omitted int32
	// pruned counts the tasks that history had no room for any more since Omitted was counted.
	pruned int32
	// NotifyAfter is the time in Studio, in milliseconds since 1970, after which a task that is new here must have changed for a
	// notification.
	NotifyAfter int64
}

// Raise moves the cutoff on, and never back.
func (r *Retention) Raise(cutoff mirror.Stamp) {
	if cutoff.Compare(r.Cutoff) > 0 {
		r.Cutoff = cutoff
	}
}

// Pruned takes in tasks that history had no room for any more.
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

// notifyAfter says, by what is stored, after which time a task must have changed for a notification: none where the tasks have not
// been listed yet, or all of them were lost.
func notifyAfter(status *v1alpha1.LivepeerTaskSourceStatus, stored int, newest int64) int64 {
	if status.LastFullSyncTime == nil || stored == 0 && status.Tasks.Total > 0 {
		return notifyNothing
	}
	return notifySince(newest, status.LastFullSyncTime.Time)
}

// notifySince says the same by the latest update that was known when a listing of all tasks began: what changed before is
// stored, or was left out on purpose. Where none was known, it goes by the clock.
func notifySince(newest int64, began time.Time) int64 {
	if newest == 0 {
		newest = began.UnixMilli()
	}
	return newest - notifyMargin.Milliseconds()
}
