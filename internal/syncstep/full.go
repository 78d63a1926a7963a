// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// More missing tasks than this at once, and more than half of a source's, are not deleted without a confirmation.
	pruneFreely = 20
	// pruneSample of them are asked for by ID, to tell whether they belong to another project.
	pruneSample = 5
)

// fullSync is a full sync that is under way: a complete listing of the source's tasks, and what follows from it.
type fullSync struct {
	began     time.Time
	requested string // value of the annotation that asked for it
	before    before

	// recent lists newest first, in a first sync, so that what matters most is there first.
	recent *recent
	// pass is the complete listing; since is how far it goes back, in milliseconds since 1970, and 0 if it lists every
	// task. See since.
	pass  *studio.Pass
	since int64
	// fresh lists the latest creations after a pass that does not list every task, and so lacks tasks without a status.
	fresh *studio.Pass
	// ahead was read, and there was no time to write it: polls that are due come first.
	ahead []*mirror.Observation
	// alive are stored or rejected tasks that polls have seen since the sync began: the listing may have passed their place already. It is
	// false for those that were shown as deleted. Tasks stored later are not missing either.
	alive map[string]bool

	omitted  int
	compared bool
	missing  missing
}

// before is the state before a full sync.
type before struct {
	changes uint64 // Index.Changes
	stored  int    // mirrored tasks; later ones must not lower the share of those that are missing
	newest  int64  // the latest update known, in milliseconds since 1970
}

// missing are stored tasks that a complete listing lacked.
type missing struct {
	entries []mirror.Entry // not yet asked for by ID
	// most: they are too many to be deleted without a confirmation.
	most bool
	// asked are those that are being asked for by ID, until their answers are taken.
	asked  map[string]mirror.Entry
	asking *recheck.Asking
	// elsewhere are those that Studio shows as another project's, as with a wrong key. They are kept until somebody confirms their
	// deletion; confirmed: somebody has confirmed the deletion of all that is missing.
	elsewhere []mirror.Entry
	confirmed bool
	// unanswered are those for which the API returned an internal error; true after the second one.
	unanswered map[string]bool
	// unlisted: a task seems gone, and only a listing of every task can confirm it.
	unlisted bool
	// kept: a task may be gone, and its object was not deleted, because somebody wrote it meanwhile, as when an edit was being undone.
	kept bool
}

func (s *syncer) newFullSync(now time.Time) *fullSync {
	stored := int(s.Index.Counts(taskstore.SourceIDOf(s.Source)).Total)
	full := &fullSync{
		began:     now,
		requested: s.Source.Annotations[v1alpha1.AnnotationRequestedAt],
		before:    before{changes: s.Index.Changes(), stored: stored, newest: s.State.Watermark.Newest()},
		since:     s.since(now),
		alive:     map[string]bool{},
		missing: missing{
			unanswered: map[string]bool{}, asked: map[string]mirror.Entry{},
			asking: s.Rechecks.NewAsking(plan.Missing, s.Connection),
		},
	}
	query := studio.Query{UpdatedSince: full.since, Whole: true}
	if stored == 0 {
		query.Limit = firstPage
		full.recent = s.newRecent()
	}
	full.pass = s.newPass(query)
	if full.since > 0 {
		full.fresh = s.newPass(studio.Query{CreatedSince: s.State.Coverage.CreatedSince(), Whole: true})
	}
	if s.State.Coverage.Changed {
		full.before.stored = s.State.Coverage.StoredBefore
	}
	return full
}

// since returns how far back a full sync has to list, in milliseconds since 1970; 0 means every task: see plan.Scope.Since.
func (s *syncer) since(now time.Time) int64 {
	if s.State.NeedsListing(now) {
		return 0
	}
	return s.scope().Since(s.State.Watermark.Newest(), s.Index.Entries(taskstore.SourceIDOf(s.Source)))
}

// fullStep does the next part of the full sync: list newest first (only the first time), list everything, find out what
// is missing, ask for each missing task by ID, and finish.
func (s *syncer) fullStep(ctx context.Context) error {
	full := s.State.full
	switch {
	case len(full.ahead) > 0:
		return s.aheadStep(ctx)
	case full.recent != nil || !full.pass.Done() || full.fresh != nil && !full.fresh.Done():
		return s.pageStep(ctx)
	case len(s.batches) > 0:
		return s.wait(0, s.due())
	case !full.compared:
		s.compare(ctx)
		return ctx.Err()
	case len(full.missing.entries) > 0 || len(full.missing.asked) > 0:
		return s.confirmStep(ctx)
	case len(s.deletions) > 0:
		return s.waitDeleted(0, s.due())
	case len(full.missing.elsewhere) > 0:
		s.elsewhereStep(ctx)
		return ctx.Err()
	default:
		return s.finish(ctx)
	}
}

// aheadStep begins to write some of what was read before, unless a poll is due first.
func (s *syncer) aheadStep(ctx context.Context) error {
	full := s.State.full
	s.State.pending = cut(&full.ahead, batchSize)
	err := s.startBefore(ctx, s.due())
	if err == nil {
		full.ahead, s.State.pending = append(s.State.pending, full.ahead...), nil
		s.State.room.Shrink(s.held())
	}
	return err
}

// pageStep reads a page once there is room for it, unless a poll is due, or the step over, before that.
func (s *syncer) pageStep(ctx context.Context) error {
	full := s.State.full
	if !s.enter(ctx, s.orPoll(s.end)) {
		return ctx.Err()
	}
	defer func() { s.State.room.Shrink(s.held()) }()
	switch {
	case full.recent != nil:
		return s.recentStep(ctx)
	case !full.pass.Done():
		return s.listStep(ctx, full.pass)
	default:
		return s.listStep(ctx, full.fresh)
	}
}

// enter waits for room for a page, and reports whether there is some before until.
func (s *syncer) enter(ctx context.Context, until time.Time) (ok bool) {
	if s.State.room.Fit(1) {
		return true
	}
	left := until.Sub(s.now())
	if left <= 0 {
		return false
	}
	s.Monitor.Storing(func() {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer s.Clock.AfterFunc(left, cancel).Stop()
		ok = s.State.room.Enter(ctx)
	})
	return ok
}

func (s *syncer) listStep(ctx context.Context, pass *studio.Pass) error {
	omitted, err := s.list(ctx, pass)
	s.State.full.omitted += omitted
	return err
}

// list makes one listing request of a full sync. What it had no time to write goes to ahead, behind a poll that is due.
func (s *syncer) list(ctx context.Context, pass *studio.Pass) (omitted int, err error) {
	full, began := s.State.full, s.now()
	if omitted, err = s.read(ctx, pass); err != nil {
		return omitted, err
	}
	full.ahead, s.State.pending = s.State.pending, nil
	s.begin(began, pass)
	return omitted, nil
}

// begin starts polling after the first listing that the API has answered: polls ask for what changed since.
func (s *syncer) begin(began time.Time, pass *studio.Pass) {
	if s.State.Watermark.Newest() == 0 {
		now := s.now()
		s.State.Begin(s.Source, began, now, pass.Newest())
		s.State.full.before.newest = pass.Newest()
	}
}

// compare finds the stored tasks that a complete listing lacks, among those that were stored before it and have not changed since.
// If there are too many, they are kept until somebody confirms their deletion.
func (s *syncer) compare(ctx context.Context) {
	full := s.State.full
	full.compared = true
	if full.since == 0 {
		s.Rechecks.Handoff.Listed(s.Connection.Fingerprint, full.pass.Projects())
	}
	s.Rechecks.Handoff.Compares()
	scope := s.scope()
	older := 0
	for entry := range s.Index.Entries(taskstore.SourceIDOf(s.Source)) {
		limited := !scope.Includes(entry.Type) && !entry.EditedType
		if full.knows(entry.ID) || limited || !plan.CanBeMissing(scope, entry) {
			continue
		}
		if entry.Sequence > full.before.changes { // what polls and questions have created since is newer, unless it is there again
			full.missing.kept = full.missing.kept || entry.Changed || entry.UpdatedAt <= full.before.newest
			continue
		}
		full.missing.entries = append(full.missing.entries, *entry)
		if entry.UpdatedAt < full.since {
			older++
		}
	}
	s.State.Health.Paused = nil
	if n := len(full.missing.entries) - older; n <= pruneFreely || 2*n <= full.before.stored {
		return
	}
	missing := full.missing.entries
	hold := &syncstate.Paused{Missing: len(missing), Total: full.before.stored, Token: syncstate.TokenFor(missing)}
	if full.missing.confirmed = s.confirmed(hold.Token); !full.missing.confirmed {
		hold.Elsewhere = s.elsewhere(ctx, missing[:min(len(missing), pruneSample)])
		s.State.Health.Paused, full.missing.entries, full.missing.most = hold, nil, true
	}
}

// elsewhere reports whether Studio shows one of these tasks by ID as another project's.
func (s *syncer) elsewhere(ctx context.Context, missing []mirror.Entry) bool {
	ids := make([]string, len(missing))
	for i := range missing {
		ids[i] = missing[i].ID
	}
	answers, _ := s.askAll(ctx, plan.Missing, ids) // tasks without an answer say nothing
	for _, answer := range answers {
		if answer.Answer == plan.Elsewhere {
			return true
		}
	}
	return false
}

// knows reports whether the API listed the task since the sync began.
func (f *fullSync) knows(id string) bool {
	alive, told := f.alive[id]
	return alive || !told && f.pass.Seen(id)
}

// finish repairs edited tasks, applies the limits, and notes that the full sync is complete.
func (s *syncer) finish(ctx context.Context) error {
	if err := s.restore(ctx); err != nil {
		return err
	}
	if err := s.prune(ctx); err != nil {
		return err
	}
	if err := s.unreadableInAll(ctx); err != nil {
		return err
	}
	state, full := s.State, s.State.full
	for id := range state.Health.Rejected {
		if !full.knows(id) {
			delete(state.Health.Rejected, id)
		}
	}
	state.FullSynced(s.Source, &syncstate.Listing{
		Began: full.began, Requested: full.requested, Whole: full.since == 0, Omitted: full.omitted, Newest: full.before.newest,
		Again: full.missing.unlisted, Most: full.missing.most, Stored: full.before.stored, Soon: full.missing.kept,
	}, s.now())
	state.Health.Met(full.pass.Bad(), full.since == 0)
	state.full = nil
	s.Metrics.Polled(s.Key, metrics.KindFull, s.now().Sub(full.began))
	return nil
}
