// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"hash/fnv"
	"hash/maphash"
	"iter"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// restartMargin is how far before the last poll that is on record the first poll after a restart looks, for clocks that
// differ from Studio's.
const restartMargin = 2 * time.Minute

// state is how far the mirroring of one source has come. It is in memory only: after a restart, the source's status
// and the stored tasks are enough to go on.
type state struct {
	uid         types.UID
	generation  int64
	fingerprint string
	requested   string // value of the annotation that asks for a sync, as last seen
	confirmed   string // value of the annotation that confirms a deletion, as last seen

	watermark watermark
	poll      *pollPass
	full      *fullSync
	pending   []*mirror.Observation // read, and not yet written
	rejected  rejected
	floor     mirror.Stamp // history must not bring back what is older
	paused    *paused      // pruning waits for a confirmation
	omitted   int32
	// pruned counts the tasks that history had no room for any more since omitted was counted.
	pruned     int32
	unreadable unreadables
	synced     bool // a full sync of this generation was carried through
	// resuming: the first poll after a restart is not over. It asks for what the last process has mostly seen, and takes
	// a task's time of update as proof that it did; content is compared by the polls after it, and by full syncs.
	resuming bool
	// listed is when the last full sync that listed every task began, in this process and for this generation and key; zero
	// if none did. Others may make do with what history keeps.
	listed time.Time
	// unstalled are tasks that seem stalled, and that the API did not answer about since the last full sync.
	unstalled map[string]struct{}
	// newest is the latest update that was known when the last full sync began. Studio's own time: no clock here is trusted.
	newest int64
	// news is the time in Studio, in milliseconds since 1970, after which a task that is new here must have changed to be news.
	news int64
	// seed makes the marks by which answers of the API are known again.
	seed maphash.Seed

	// changed: spec or credentials did, and no full sync was carried through since. storedBefore tasks were mirrored
	// then: polls may already have brought tasks of another project.
	changed      bool
	storedBefore int

	polledAt   time.Time // when the API last answered a poll
	fullAt     time.Time // when the last full sync that was carried through began
	handled    string    // value of the annotation that the last full sync answered
	nextPoll   time.Time
	nextFull   time.Time
	retryAt    time.Time
	retryFixed bool // the API named retryAt: nothing may be earlier
	failures   int
}

// pollPass is a poll for changes that is under way.
type pollPass struct {
	*studio.Pass
	began time.Time
}

// paused is a deletion that waits for a confirmation.
type paused struct {
	missing, total int
	elsewhere      bool // they are another project's
	token          string
}

// resume begins where an earlier process of the operator left off.
func (p *state) resume(source *v1alpha1.LivepeerTaskSource, shared *shared, entries iter.Seq[*mirror.Entry], now time.Time) {
	status := &source.Status
	stored, newest := 0, int64(0)
	for entry := range entries {
		stored++
		newest = max(newest, entry.UpdatedAt)
	}
	p.news = newsAfter(status, stored, newest)
	shared.news = p.news
	if status.LastFullSyncTime == nil || stored == 0 && status.Tasks.Total > 0 ||
		status.ObservedGeneration != source.Generation {
		p.nextFull = now
		return
	}
	p.synced, p.resuming = true, true
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	unread := ready != nil && ready.Reason == v1alpha1.ReasonUnreadable
	p.omitted = status.Tasks.Omitted
	p.handled = status.LastHandledReconcileAt
	p.fullAt = status.LastFullSyncTime.Time
	// From now on by passing time: the clock may have been set since, and may be set again.
	p.nextFull = now.Add(source.Spec.ResyncInterval.Duration - max(0, now.Sub(p.fullAt)))
	if unread {
		p.synced, p.nextFull = false, now // which tasks that were is not on record
	}
	if status.LastPollTime != nil {
		p.polledAt = status.LastPollTime.Time
		p.watermark.newest = max(1, earliest(p.polledAt, now).Add(-restartMargin).UnixMilli())
	}
	p.watermark.newest = min(p.watermark.newest, newest)
	p.watermark.rose = now
	if p.omitted > 0 {
		p.floor = oldestFinished(entries)
	}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// oldestFinished returns the stamp of the oldest finished task.
func oldestFinished(entries iter.Seq[*mirror.Entry]) mirror.Stamp {
	var oldest mirror.Stamp
	for entry := range entries {
		if !entry.Finished() {
			continue
		}
		if stamp := entry.Stamp(); oldest.ID == "" || stamp.Compare(oldest) < 0 {
			oldest = stamp
		}
	}
	return oldest
}

// renew takes in what changed about the source: spec, credentials, or a request by annotation. Each asks for a poll and
// a full sync at once, save where the API itself has named a time to wait for. stored is how many tasks are mirrored;
// resync returns whether a full sync was asked for, and takes that back.
func (p *state) renew(
	source *v1alpha1.LivepeerTaskSource, fingerprint string, resync func(bool) bool, stored int, now time.Time,
) {
	annotations := source.Annotations
	requested := annotations[v1alpha1.AnnotationRequestedAt]
	confirmed := annotations[v1alpha1.AnnotationConfirmPrune]
	respecified := p.generation != source.Generation
	changed := respecified || p.fingerprint != fingerprint ||
		requested != p.requested && requested != p.handled ||
		confirmed != p.confirmed && p.paused != nil && confirmed == p.paused.token
	first := p.fingerprint == ""
	if respecified && !first {
		p.floor, p.synced = mirror.Stamp{}, false
	}
	if respecified || p.fingerprint != fingerprint {
		p.listed, p.seed = time.Time{}, maphash.MakeSeed()
	}
	if (respecified || p.fingerprint != fingerprint) && !p.changed {
		p.changed, p.storedBefore = true, stored
	}
	if p.fingerprint != fingerprint && !first {
		// All of this belongs to the old client, which may have shown another account.
		p.poll, p.full, p.pending, p.watermark = nil, nil, nil, watermark{}
		p.retryFixed, p.resuming, p.unreadable = false, false, unreadables{}
	}
	p.generation, p.fingerprint, p.requested, p.confirmed = source.Generation, fingerprint, requested, confirmed
	if p.full == nil && resync(false) { // one that is under way goes on: it may not begin anew with each deletion
		p.nextFull = now
	}
	if !changed {
		return
	}
	p.nextPoll = now
	if !first || requested != p.handled {
		p.full, p.nextFull = nil, now
	}
	if !p.retryFixed {
		p.retryAt, p.failures = time.Time{}, 0
	}
}

// wait returns how long there is nothing to do; 0 or less when there is.
func (p *state) wait(now time.Time) time.Duration {
	if pause := p.retryAt.Sub(now); pause > 0 {
		return pause
	}
	if len(p.pending) > 0 || p.poll != nil || p.full != nil {
		return 0
	}
	if p.nextFull.Before(p.nextPoll) {
		return p.nextFull.Sub(now)
	}
	return p.nextPoll.Sub(now)
}

// failed takes in a failed attempt and when to try again.
func (p *state) failed(out Outcome, fixed bool, now time.Time) {
	p.retryAt, p.retryFixed = now.Add(out.Delay), fixed
}

// slot returns the next time to poll a source whose last poll began when it did: its interval's grid, shifted by a phase of
// its own, so that sources that were created together are not polled together.
func slot(source types.UID, interval time.Duration, began, now time.Time) time.Time {
	interval = max(interval, time.Second)
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(source))                       // never fails
	phase := time.Duration(hash.Sum64() % uint64(interval)) //nolint:gosec // Less than interval.
	since := time.Duration(now.UnixNano()%int64(interval)) - phase
	wait := (interval - since%interval) % interval
	next := now.Add(wait)
	if next.Sub(began) < interval/10 {
		return next.Add(interval) // too soon after this poll: take the one after
	}
	return next
}
