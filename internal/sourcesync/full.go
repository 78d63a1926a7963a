// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"errors"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// More missing tasks than this at once, and more than half of a source's, are not deleted without a confirmation.
	pruneFreely = 20
	// pruneSample of them are asked for, to tell why they are missing.
	pruneSample = 5
	// recentPage bounds the tasks of one page, newest first.
	recentPage = 500
	// recentAttempts bounds how often the newest-first listing may fail: it is only there for its order.
	recentAttempts = 2
)

// fullSync is a complete listing of a source's tasks that is under way, and what follows from it.
type fullSync struct {
	began     time.Time
	requested string // value of the annotation that asked for it
	changes   uint64 // of stored tasks, before
	stored    int    // tasks that were mirrored before; what has come since says nothing about whether these are well

	// recent lists newest first, in a first sync, so that what matters most is there first. It need not be complete.
	recent         *studio.Pass
	recentFailures int
	// pass is the complete listing; since is how far it goes back, in milliseconds since 1970, and 0 where it lists every
	// task. See window.
	pass  *studio.Pass
	since int64
	// fresh lists the latest creations behind a pass that does not list every task: those without a status are not in it.
	fresh *studio.Pass
	// newest is the latest update, in milliseconds since 1970, that was known when the sync began.
	newest int64
	// unlisted: a task may be gone that only a listing of every task can tell about.
	unlisted bool
	// alive are tasks that polls have seen since the sync began: the listing may be too far on to show them.
	alive map[string]struct{}

	omitted  int
	compared bool
	missing  []mirror.Entry // stored, not listed, and not yet asked for by ID
	// unanswered are missing tasks for which the API answered an error of its own: once, and true after the second time.
	unanswered map[string]bool
}

func (s *syncer) newFullSync(now time.Time) *fullSync {
	stored := int(s.Index.Counts(taskstore.SourceIDOf(s.source)).Total)
	full := &fullSync{
		stored:    stored,
		changes:   s.Index.Changes(),
		began:     now,
		requested: s.source.Annotations[v1alpha1.AnnotationRequestedAt],
		since:     s.window(now),
		newest:    s.state.Watermark.Newest(),
		alive:     map[string]struct{}{},

		unanswered: map[string]bool{},
	}
	full.pass = s.connection.Client.NewPass(studio.Query{UpdatedSince: full.since, Whole: true})
	if full.since > 0 {
		full.fresh = s.connection.Client.NewPass(studio.Query{
			CreatedSince: s.state.Coverage.CreatedSince(), Whole: true,
		})
	}
	if s.state.Coverage.Changed {
		full.stored = s.state.Coverage.StoredBefore
	}
	if stored == 0 {
		full.recent = s.connection.Client.NewPass(studio.Query{NewestFirst: true, Limit: recentPage})
	}
	return full
}

// fullStep does the next piece of the full sync: list newest first (only the first time), list everything, find out what
// is missing, ask for each of these by ID, and finish.
func (s *syncer) fullStep(ctx context.Context) error {
	full := s.state.full
	switch {
	case full.recent != nil:
		return s.recentStep(ctx)
	case !full.pass.Done():
		return s.listStep(ctx, full.pass)
	case full.fresh != nil && !full.fresh.Done():
		return s.listStep(ctx, full.fresh)
	case !full.compared:
		s.compare(ctx)
		return ctx.Err()
	case len(full.missing) > 0:
		return s.confirmStep(ctx)
	default:
		return s.finish(ctx)
	}
}

func (s *syncer) recentStep(ctx context.Context) error {
	full, began := s.state.full, s.now()
	omitted, err := s.read(ctx, full.recent)
	if err != nil {
		if _, api := errors.AsType[*studio.Error](err); api {
			full.recentFailures++
		}
		if full.recentFailures >= recentAttempts {
			full.recent = nil
		}
		return err
	}
	s.begin(began, full.recent)
	if full.recent.Done() || omitted > 0 {
		err = s.flush(ctx)
		full.recent = nil
		return err
	}
	return s.start(ctx)
}

func (s *syncer) listStep(ctx context.Context, pass *studio.Pass) error {
	full, began := s.state.full, s.now()
	omitted, err := s.read(ctx, pass)
	full.omitted += omitted
	if err != nil {
		return err
	}
	s.begin(began, pass)
	if pass.Done() {
		return s.flush(ctx)
	}
	return s.start(ctx)
}

// begin lets polls follow a listing that is the first answer of the API: they ask for what changed since.
func (s *syncer) begin(began time.Time, pass *studio.Pass) {
	if s.state.Watermark.Newest() == 0 {
		now := s.now()
		s.state.Begin(s.source, began, now, pass.Newest())
		s.state.full.newest = pass.Newest()
	}
}

// compare finds the stored tasks that a complete listing lacks: what was stored before it and has not changed since. Where
// they are too many at once, they are left alone until somebody confirms.
func (s *syncer) compare(ctx context.Context) {
	full := s.state.full
	full.compared = true
	if full.since == 0 {
		s.of.rechecks.Handoff.Listed(s.connection.Fingerprint, full.pass.Projects())
	}
	scope := s.scope()
	older := 0
	for entry := range s.Index.Entries(taskstore.SourceIDOf(s.source)) {
		limited := !scope.Includes(entry.Type) && !entry.EditedType
		if full.knows(entry.ID) || s.of.rechecks.Handoff.HasCreated(entry.ID) || entry.Sequence > full.changes || limited ||
			!plan.CanBeMissing(scope, entry) {
			continue
		}
		full.missing = append(full.missing, *entry)
		if entry.UpdatedAt < full.since {
			older++
		}
	}
	s.state.Health.Paused = nil
	if n := len(full.missing) - older; n <= pruneFreely || 2*n <= full.stored {
		return
	}
	hold := &syncstate.Paused{Missing: len(full.missing), Total: full.stored, Token: syncstate.TokenFor(full.missing)}
	if s.source.Annotations[v1alpha1.AnnotationConfirmPrune] != hold.Token {
		hold.Elsewhere = s.elsewhere(ctx, full.missing[:min(len(full.missing), pruneSample)])
		s.state.Health.Paused, full.missing = hold, nil
	}
}

// elsewhere reports whether Studio shows one of these by ID, and as another project's.
func (s *syncer) elsewhere(ctx context.Context, missing []mirror.Entry) bool {
	ids := make([]string, len(missing))
	for i := range missing {
		ids[i] = missing[i].ID
	}
	answers, _ := s.askAll(ctx, plan.Missing, ids) // what is not answered says nothing
	for _, answer := range answers {
		if answer.Answer == plan.Elsewhere {
			return true
		}
	}
	return false
}

// knows reports whether the API listed the task since the sync began.
func (f *fullSync) knows(id string) bool {
	_, alive := f.alive[id]
	return alive || f.pass.Seen(id)
}

// finish applies the limits, and notes that everything was seen.
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
	state, full := s.state, s.state.full
	for id := range state.Health.Rejected {
		if !full.knows(id) {
			delete(state.Health.Rejected, id)
		}
	}
	state.FullSynced(s.source, &syncstate.Listing{
		Began: full.began, Requested: full.requested, Whole: full.since == 0, Omitted: full.omitted, Newest: full.newest,
		Again: full.unlisted,
	}, s.now())
	state.full = nil
	s.Metrics.Polled(s.of.key, metrics.KindFull, s.now().Sub(full.began))
	return nil
}
