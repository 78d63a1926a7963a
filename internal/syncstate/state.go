// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"hash/maphash"
	"iter"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

const (
	// restartMargin is how far before the last poll that is on record the first poll after a restart looks, for clocks that
	// differ from Studio's.
	restartMargin = 2 * time.Minute
	// listEvery is how long full syncs may make do with what history keeps, before one lists every task again: it alone finds unfinished
	// tasks that nobody knows of.
	listEvery = 24 * time.Hour
)

// State is how far the mirroring of one source has come. It is in memory only: after a restart, the source's status
// and the stored tasks are enough to go on.
type State struct {
	Inputs    Inputs
	Schedule  Schedule
	Watermark Watermark
	Coverage  Coverage
	Retention Retention
	Health    Health
	// HashSeed is that of the fingerprints by which answers of the API are known again.
	HashSeed maphash.Seed
}

// Inputs are what of a source was taken in last.
type Inputs struct {
	Generation int64
	// Fingerprint is that of the connection; empty before there was one.
	Fingerprint string
	// Requested and Confirmed are the values of the annotations that ask for a sync and confirm a deletion.
	Requested, Confirmed string
}

// InputsOf are those of a source, but for the connection, which its spec does not tell.
func InputsOf(source *v1alpha1.LivepeerTaskSource) Inputs {
	return Inputs{
		Generation: source.Generation,
		Requested:  source.Annotations[v1alpha1.AnnotationRequestedAt], Confirmed: source.Annotations[v1alpha1.AnnotationConfirmPrune],
	}
}

// Coverage is what of Studio's tasks was listed.
type Coverage struct {
	// Synced: a full sync of this generation was carried through.
	Synced bool
	// Resuming: the first poll after a restart is not over. It asks for what the last process has mostly seen, and takes
	// a task's time of update as proof that it did; content is compared by the polls after it, and by full syncs.
	Resuming bool
	// Listed is when the last full sync that listed every task began, in this process and for this generation and key; zero
	// if none did. Others may make do with what history keeps.
	Listed time.Time
	// FullAt is when the last full sync that was carried through began, and Handled the value of the annotation that it answered.
	FullAt  time.Time
	Handled string
	// Newest is the latest update that was known when that began. Studio's own time: no clock here is trusted.
	Newest int64
	// Changed: spec or credentials did, and no full sync was carried through since; or a deletion of most tasks waits for a confirmation.
	// StoredBefore tasks were mirrored then: what has come since, as of another project, says nothing about whether these are well.
	Changed      bool
	StoredBefore int
}

// CreatedSince is the time, in milliseconds since 1970, after which tasks may have been created that the last full sync did not list.
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
	for entry := range entries {
		stored++
		newest = max(newest, entry.UpdatedAt)
		if entry.UpdatedAt <= now.Add(farAhead).UnixMilli() {
			credible = max(credible, entry.UpdatedAt)
		}
	}
	s.Retention.NotifyAfter = notifyAfter(status, stored, credible)
	reason, message := ready(status)
	paused := reason == v1alpha1.ReasonPruningPaused
	if s.Coverage.Changed = paused; paused { // how many there were before is not on record: any number is too many
		s.Health.Paused = pausedAs(message)
	}
	if status.LastFullSyncTime == nil || stored == 0 && status.Tasks.Total > 0 ||
		status.ObservedGeneration != source.Generation {
		s.Schedule.NextFull = now
		return
	}
	s.Coverage = Coverage{
		Synced: true, Resuming: true, Handled: status.LastHandledReconcileAt, FullAt: status.LastFullSyncTime.Time, Changed: paused,
	}
	s.Retention.Omitted = status.Tasks.Omitted
	// From now on by passing time: the clock may have been set since, and may be set again.
	s.Schedule.NextFull = now.Add(source.Spec.ResyncInterval.Duration - max(0, now.Sub(s.Coverage.FullAt)))
	switch reason {
	case v1alpha1.ReasonUnreadable, v1alpha1.ReasonPruningPaused, v1alpha1.ReasonRefused, v1alpha1.ReasonConflict:
		s.Coverage.Synced, s.Schedule.NextFull = false, now // which tasks that were is not on record
	}
	if status.LastPollTime != nil {
		s.Schedule.PolledAt = status.LastPollTime.Time
		s.Watermark.newest = max(1, earliest(s.Schedule.PolledAt, now).Add(-restartMargin).UnixMilli())
	}
	s.Watermark.newest = min(s.Watermark.newest, newest)
	s.Watermark.rose = now
	if s.Retention.Omitted > 0 {
		s.Retention.Cutoff = plan.OldestFinished(entries)
	}
}

// ready is what the condition Ready said last.
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

// Dropped is what of the work under way has to begin anew.
type Dropped int

// What is dropped: nothing, a full sync, or all that was read too.
const (
	Nothing Dropped = iota
	FullSync
	Everything
)

// Observed is what a step finds when it begins.
type Observed struct {
	// Fingerprint of the connection: another one means that it may be another account.
	Fingerprint string
	// Stored counts the tasks that are mirrored.
	Stored int
	// Listing: a full sync is under way.
	Listing bool
}

// Renew takes in what changed about the source: spec, credentials, or a request by annotation. Each asks for a poll and
// a full sync at once, save where the API itself has named a time to wait for. resync returns whether a full sync was asked for, and
// takes that back.
func (s *State) Renew(
	source *v1alpha1.LivepeerTaskSource, found Observed, resync func() bool, now time.Time,
) (dropped Dropped) {
	before, next := s.Inputs, InputsOf(source)
	next.Fingerprint = found.Fingerprint
	s.Inputs = next
	respecified := before.Generation != 0 && before.Generation != next.Generation
	reconnected := before.Fingerprint != next.Fingerprint
	requested := next.Requested != s.Coverage.Handled
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
	if reconnected && !first {
		dropped = Everything
		s.forgetAccount()
	}
	// One that is under way goes on: it may not begin anew with each deletion.
	if (!found.Listing || dropped == Everything) && resync() {
		s.Schedule.NextFull = now
	}
	confirmed := s.confirmed(before.Confirmed)
	if !respecified && !reconnected && (next.Requested == before.Requested || !requested) && !confirmed {
		return dropped
	}
	s.Schedule.NextPoll = now
	if !first || requested || respecified {
		s.Schedule.NextFull = now
	}
	// One that is only asked for once more goes on, too, and is followed by another: see FullSynced.
	if respecified || confirmed {
		dropped = max(dropped, FullSync)
	}
	s.Schedule.hurry()
	return dropped
}

// forgetAccount drops what belongs to the old client, which may have shown another account.
func (s *State) forgetAccount() {
	s.Watermark = Watermark{}
	s.Schedule.fixed, s.Coverage.Resuming = false, false
	s.Health.Unreadable, s.Health.unusable = Unreadable{}, 0
}

// confirmed reports whether somebody has just confirmed the deletion that waits for it. before is what was confirmed before.
func (s *State) confirmed(before string) bool {
	paused := s.Health.Paused
	return paused != nil && s.Inputs.Confirmed != before && s.Inputs.Confirmed == paused.Token
}

// Begin lets polls follow a listing that was the first answer of the API, from when it began and ended, and the newest update that was
// there then: they ask for what changed since.
func (s *State) Begin(source *v1alpha1.LivepeerTaskSource, began, now time.Time, newest int64) {
	s.Watermark.polled(began, now, newest)
	s.Schedule.polled(source, now, now)
}

// Polled takes in a poll that was carried through: when it began, and the newest update that was there then.
func (s *State) Polled(source *v1alpha1.LivepeerTaskSource, began, now time.Time, newest int64) {
	s.Watermark.polled(began, now, newest)
	s.Coverage.Resuming = false
	s.Schedule.polled(source, began, now)
}

// Listing is a full sync that was carried through.
type Listing struct {
	Began time.Time
	// Requested is the value of the annotation that asked for it.
	Requested string
	// Whole: it listed every task, and left Omitted out as beyond the limits of history.
	Whole   bool
	Omitted int
	// Newest is the latest update, in milliseconds since 1970, that was known when it began.
	Newest int64
	// Again: a task may be gone that only a listing of every task can tell about.
	Again bool
	// Most of the Stored tasks were missing, and wait for a confirmation, however many others come.
	Most   bool
	Stored int
	// Soon: what should have been deleted was not, and is to be looked for before long.
	Soon bool
}

// FullSynced takes in a full sync that was carried through.
func (s *State) FullSynced(source *v1alpha1.LivepeerTaskSource, of *Listing, now time.Time) {
	s.Coverage.Synced, s.Coverage.Changed = true, of.Most
	if of.Most {
		s.Coverage.StoredBefore = of.Stored
	}
	s.Coverage.FullAt, s.Coverage.Handled, s.Coverage.Newest = of.Began, of.Requested, of.Newest
	if of.Whole {
		s.Coverage.Listed = of.Began
	}
	s.Retention.listed(of)
	s.Health.Unstalled = nil
	s.Schedule.listed(source, now)
	if of.Soon || s.Health.Unreadable.unnamed > 0 {
		s.Schedule.listSoon(source, now.Sub(of.Began), now)
	}
	if of.Again {
		s.Coverage.Listed, s.Schedule.NextFull = time.Time{}, now
	}
	if s.Inputs.Requested != of.Requested { // asked for since it began
		s.Schedule.NextFull = now
	}
}
