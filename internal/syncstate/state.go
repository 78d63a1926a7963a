// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"cmp"
	"hash/maphash"
	"iter"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

const (
	// restartMargin is how far before the last recorded poll the first poll after a restart begins, since clocks may
	// differ from Studio's.
	restartMargin = 2 * time.Minute
	// listEvery is how long full syncs may list only what history keeps, before one lists every task again: only that finds unfinished
	// tasks that are older and not mirrored yet.
	listEvery = 24 * time.Hour
)

// State is the progress of the mirroring of one source. It is in memory only: after a restart, the source's status
// and the stored tasks are enough to resume.
type State struct {
	Inputs    Inputs
	Schedule  Schedule
	Watermark Watermark
	Coverage  Coverage
	Retention Retention
	Health    Health
	// HashSeed is the seed of the fingerprints by which known answers of the API are recognised.
	HashSeed maphash.Seed
}

// Inputs are those properties of a source whose change starts a step at once.
type Inputs struct {
	Generation int64
	// Fingerprint is that of the connection; empty before there was one.
	Fingerprint string
	// Requested and Confirmed are the values of the annotations that ask for a sync and confirm a deletion.
	Requested, Confirmed string
}

// InputsOf returns those of a source, without the connection's fingerprint, which its spec does not tell.
func InputsOf(source *v1alpha1.LivepeerTaskSource) Inputs {
	return Inputs{
		Generation: source.Generation,
		Requested:  source.Annotations[v1alpha1.AnnotationRequestedAt], Confirmed: source.Annotations[v1alpha1.AnnotationConfirmPrune],
	}
}

// Coverage says which of Studio's tasks were listed, and when.
type Coverage struct {
	// Synced: a full sync of this generation has completed.
	Synced bool
	// Generation of the spec that the last completed full sync was made for; 0 if another one is due, whatever happens meanwhile: spec or
	// credentials have changed since.
	Generation int64
	// Resuming: the first poll after a restart is not over. Most of what it reads, the last process has stored: a stored task with the
	// same update time counts as mirrored. Later polls and full syncs compare the content.
	Resuming bool
	// Listed is when the last full sync that listed every task began, in this process and for this generation and key; zero
	// if none did. After it, full syncs may list only what history keeps.
	Listed time.Time
	// FullAt is when the last completed full sync began, and Handled the value of the annotation that it answered.
	FullAt  time.Time
	Handled string
	// Newest is the latest update known at FullAt, by Studio's clock: no clock here is trusted.
	Newest int64
	// Changed: spec or credentials have changed, or may have since the last process, and no full sync has completed since; or a deletion of
	// most tasks waits for confirmation. StoredBefore tasks were mirrored then. Tasks that came later, perhaps of another project, must not
	// lower the share of missing ones.
	Changed      bool
	StoredBefore int
}

// CreatedSince returns the time, in milliseconds since 1970, since which tasks may have been created that the last full sync did not list.
func (c *Coverage) CreatedSince() int64 { return max(1, c.Newest-restartMargin.Milliseconds()) }

// NeedsListing reports whether a full sync has to list every task, however little history keeps.
func (s *State) NeedsListing(now time.Time) bool {
	return s.Coverage.Listed.IsZero() || s.Coverage.Newest == 0 || now.Sub(s.Coverage.Listed) >= listEvery || s.Health.needsListing()
}

// Resume begins where an earlier process of the operator left off.
func (s *State) Resume(source *v1alpha1.LivepeerTaskSource, entries iter.Seq[*mirror.Entry], now time.Time) {
	status := &source.Status
	s.Inputs.Generation = source.Generation
	stored, newest, credible := 0, int64(0), int64(0)
	polled, before := lastPolled(status, now), int64(0)
	for entry := range entries {
		stored++
		newest = max(newest, entry.UpdatedAt)
		if entry.UpdatedAt <= polled {
			before = max(before, entry.UpdatedAt)
		}
		if entry.UpdatedAt <= now.Add(farAhead).UnixMilli() {
			credible = max(credible, entry.UpdatedAt)
		}
	}
	s.Retention.NotifyAfter = notifyAfter(status, stored, credible)
	reason, message := ready(status)
	if reason == v1alpha1.ReasonPruningPaused {
		s.Health.Paused = pausedAs(message)
	}
	s.Coverage.Changed, s.Coverage.StoredBefore = true, mirroredBefore(status, stored)
	if status.LastFullSyncTime == nil || stored == 0 && status.Tasks.Total > 0 || status.SyncedGeneration != source.Generation {
		s.Schedule.NextFull = now
		return
	}
	s.Coverage.Synced, s.Coverage.Generation, s.Coverage.Resuming = true, source.Generation, true
	s.Coverage.Handled, s.Coverage.FullAt = status.LastHandledReconcileAt, status.LastFullSyncTime.Time
	s.Retention.Omitted = status.Tasks.Omitted
	// From now on by elapsed time: the clock may have been set since, and may be set again.
	s.Schedule.NextFull = now.Add(source.Spec.ResyncInterval.Duration - max(0, now.Sub(s.Coverage.FullAt)))
	switch reason {
	case v1alpha1.ReasonUnreadable, v1alpha1.ReasonPruningPaused, v1alpha1.ReasonRefused, v1alpha1.ReasonConflict:
		s.Coverage.Synced, s.Schedule.NextFull = false, now // which tasks those were is not recorded
	}
	if status.LastPollTime != nil {
		s.Schedule.PolledAt = status.LastPollTime.Time
	}
	// The time of a task, if possible: our clock may be ahead of Studio's, and so may a single task's time.
	s.Watermark.newest, s.Watermark.rose = cmp.Or(before, min(polled, newest)), now
	if s.Retention.Omitted > 0 {
		s.Retention.Cutoff = plan.OldestFinished(entries)
	}
}

// mirroredBefore returns how many tasks were mirrored before the change after which no full sync has completed, or before most went
// missing; otherwise, how many were as of the last report: the last process may have stored more since, of another account.
func mirroredBefore(status *v1alpha1.LivepeerTaskSourceStatus, stored int) int {
	switch reason, _ := ready(status); {
	case status.MirroredBefore != nil:
		return int(*status.MirroredBefore)
	case reason == v1alpha1.ReasonPruningPaused:
		return 0
	}
	return min(stored, int(status.Tasks.Total))
}

// lastPolled returns the time of the last poll that is recorded, less restartMargin, in milliseconds since 1970; 0 if there is none.
func lastPolled(status *v1alpha1.LivepeerTaskSourceStatus, now time.Time) int64 {
	if status.LastPollTime == nil {
		return 0
	}
	return max(1, earliest(status.LastPollTime.Time, now).Add(-restartMargin).UnixMilli())
}

// ready returns reason and message of the condition Ready.
func ready(status *v1alpha1.LivepeerTaskSourceStatus) (reason, message string) {
	if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason, ready.Message
	}
	return "", ""
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Dropped is which work under way has to begin again.
type Dropped int

// What is dropped: nothing, the full sync, or also the poll and all that was read.
const (
	Nothing Dropped = iota
	FullSync
	Everything
)

// Wanted is when another full sync should come, because of what is known of single tasks.
type Wanted int

// When it should come: not before its time, soon (see Schedule.want), or at once.
const (
	NotWanted Wanted = iota
	WantedSoon
	WantedNow
)

// Observed is what a step finds when it begins.
type Observed struct {
	// Fingerprint of the connection; another one means that it may be another account.
	Fingerprint string
	// Stored counts the tasks that are mirrored.
	Stored int
	// Listing: a full sync is under way.
	Listing bool
	// Freed: see Rejected.Freed.
	Freed bool
}

// Renew takes in changes of the source: spec, credentials, or a request by annotation. After each, a poll and a full sync are due at
// once, or after a Retry-After of the API. resync returns when recheck wants a full sync, and clears that request.
func (s *State) Renew(
	source *v1alpha1.LivepeerTaskSource, found Observed, resync func() Wanted, now time.Time,
) (dropped Dropped) {
	before, next := s.Inputs, InputsOf(source)
	next.Fingerprint = found.Fingerprint
	s.Inputs = next
	respecified := before.Generation != 0 && before.Generation != next.Generation
	reconnected := before.Fingerprint != next.Fingerprint
	requested := next.Requested != "" && next.Requested != s.Coverage.Handled
	first := before.Fingerprint == ""
	if respecified {
		s.Retention.Cutoff, s.Coverage.Synced = mirror.Stamp{}, false
	}
	if respecified || reconnected {
		s.Coverage.Listed, s.HashSeed = time.Time{}, maphash.MakeSeed()
		if !s.Coverage.Changed {
			s.Coverage.Changed, s.Coverage.StoredBefore = true, found.Stored
		}
	}
	if respecified || reconnected && !first {
		s.Coverage.Generation = 0
	}
	if reconnected && !first {
		dropped = Everything
		s.forgetAccount()
	}
	// A full sync under way goes on: it must not begin again with each deletion by somebody.
	if !found.Listing || dropped == Everything {
		wanted := resync()
		if found.Freed {
			wanted = max(wanted, WantedSoon)
		}
		s.Schedule.want(source, wanted, now)
	}
	confirmed := s.confirmed(before.Confirmed)
	if !respecified && !reconnected && (next.Requested == before.Requested || !requested) && !confirmed {
		return dropped
	}
	s.Schedule.NextPoll = now
	if !first || requested || respecified {
		s.Schedule.NextFull = now
	}
	// After a mere request, a full sync under way goes on too, and another one follows: see FullSynced.
	if respecified || confirmed {
		dropped = max(dropped, FullSync)
	}
	s.Schedule.hurry()
	return dropped
}

// forgetAccount drops what is known from the old connection, which may have been another account's.
func (s *State) forgetAccount() {
	s.Watermark = Watermark{}
	s.Schedule.fixed, s.Coverage.Resuming = false, false
	s.Health.Unreadable, s.Health.unusable = Unreadable{}, 0
}

// confirmed reports whether somebody has just confirmed the paused deletion. before is the annotation's earlier value.
func (s *State) confirmed(before string) bool {
	paused := s.Health.Paused
	return paused != nil && s.Inputs.Confirmed != before && s.Inputs.Confirmed == paused.Token
}

// Begin starts polling after the first listing that the API has answered: when it began, when it ended, and the newest update that it
// showed. Polls ask for what changed since.
func (s *State) Begin(source *v1alpha1.LivepeerTaskSource, began, now time.Time, newest int64) {
	s.Watermark.polled(began, now, newest)
	s.Schedule.polled(source, now, now)
}

// Polled takes in a completed poll: when it began, and the newest update that it showed.
func (s *State) Polled(source *v1alpha1.LivepeerTaskSource, began, now time.Time, newest int64) {
	s.Watermark.polled(began, now, newest)
	s.Coverage.Resuming = false
	s.Schedule.polled(source, began, now)
}

// Listing is a completed full sync.
type Listing struct {
	Began time.Time
	// Requested is the value of the annotation that asked for it.
	Requested string
	// Whole: it listed every task. Omitted counts those that it left out as beyond the limits of history.
	Whole   bool
	Omitted int
	// Newest is the latest update, in milliseconds since 1970, that was known when it began.
	Newest int64
	// Again: a task seems gone, and only a listing of every task can confirm it.
	Again bool
	// Most of the Stored tasks were missing, and their deletion waits for confirmation, however many others come.
	Most   bool
	Stored int
	// Soon: an object that should have been deleted was not: another full sync should come soon.
	Soon bool
}

// FullSynced takes in a completed full sync.
func (s *State) FullSynced(source *v1alpha1.LivepeerTaskSource, of *Listing, now time.Time) {
	s.Coverage.Synced, s.Coverage.Generation, s.Coverage.Changed = true, s.Inputs.Generation, of.Most
	if of.Most {
		s.Coverage.StoredBefore = of.Stored
	}
	s.Coverage.FullAt, s.Coverage.Handled, s.Coverage.Newest = of.Began, cmp.Or(of.Requested, s.Coverage.Handled), of.Newest
	if of.Whole {
		s.Coverage.Listed = of.Began
	}
	s.Retention.listed(of)
	s.Health.Unstalled = nil
	s.Schedule.listed(source, of.Began, now)
	if of.Soon || s.Health.Unreadable.unnamed > 0 {
		s.Schedule.want(source, WantedSoon, now)
	}
	if s.Health.Rejected.refused() {
		s.Schedule.tryAgain(source, now)
	} else {
		s.Schedule.refused = 0
	}
	if of.Again {
		s.Coverage.Listed, s.Schedule.NextFull = time.Time{}, now
	}
	if asked := s.Inputs.Requested; asked != "" && asked != of.Requested { // another request came since it began
		s.Schedule.NextFull = now
	}
}
