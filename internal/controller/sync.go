// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"hash/maphash"
	"iter"
	"math"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// sliceTime bounds one turn of a source, so that a long sync shares the workers and shows its progress.
const sliceTime = 5 * time.Second

// syncer mirrors one source, for one turn.
type syncer struct {
	source  *v1alpha1.LivepeerTaskSource
	session *session
	state   *progress
	index   *taskstore.Index
	writer  *taskstore.Writer
	now     func() time.Time
	metrics *metrics.Metrics

	flights []*flight
	planned *mirror.Scope // what is in scope, until something is written
}

// run works until nothing is due or the turn is over: first what was read and not written, then what changed, then the
// full sync. The error is one that outcomeOf knows; what was done before it stays done.
func (s *syncer) run(ctx context.Context) error {
	turn := s.now().Add(min(sliceTime, s.source.Spec.Interval.Duration))
	for {
		if err := s.step(ctx); err != nil {
			_ = s.land(0, nil) // what it could not write is kept, and is tried again together with the rest
			return err
		}
		if now := s.now(); !now.Before(turn) || s.state.wait(now) > 0 {
			if err := s.land(0, s.due()); err != nil || len(s.flights) == 0 {
				return err
			} // else a poll is due before all is written
		}
	}
}

// step makes at most one listing request, and writes what it brought.
func (s *syncer) step(ctx context.Context) error {
	now := s.now()
	state := s.state
	if len(state.pending) > 0 {
		return s.flush(ctx)
	}
	if state.full == nil && !now.Before(state.nextFull) {
		state.full = s.newFullSync(now)
	}
	// While a full sync finds the first update of all, there is nothing yet to ask for changes since.
	if state.poll == nil && !now.Before(state.nextPoll) && (state.watermark.newest != 0 || state.full == nil) {
		state.poll = &pollPass{
			Pass:  s.session.client.NewPass(studio.Query{UpdatedSince: state.watermark.from()}),
			began: now,
		}
	}
	switch {
	case state.poll != nil:
		return s.pollStep(ctx)
	case state.full != nil:
		return s.fullStep(ctx)
	}
	return nil
}

// pollStep reads on in what changed since the last poll.
func (s *syncer) pollStep(ctx context.Context) error {
	poll := s.state.poll
	if _, err := s.read(ctx, poll.Pass); err != nil {
		return err
	}
	if !poll.Done() {
		return s.launch(ctx)
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	now := s.now()
	s.state.watermark.polled(poll.began, now, poll.Newest())
	s.state.unreadable = max(s.state.unreadable, poll.Unreadable())
	s.state.poll, s.state.resuming = nil, false
	s.polled(poll.began, now)
	s.metrics.Polled(sourceKey(s.source), metrics.KindPoll, now.Sub(poll.began))
	return s.stallStep(ctx)
}

// polled notes that the API has answered, and when to ask again.
func (s *syncer) polled(began, now time.Time) {
	s.state.polledAt = now
	s.state.nextPoll = slot(s.source.UID, s.source.Spec.Interval.Duration, began, now)
}

// read makes one listing request, and has what differs from the mirror written while it reads on. It answers how many
// tasks are beyond the limits of history.
func (s *syncer) read(ctx context.Context, pass *studio.Pass) (omitted int, err error) {
	began := s.now()
	var failed error
	err = pass.Next(ctx, func(task studio.Task) bool {
		if len(s.state.pending) >= batchSize {
			// The answer waits while writers are busy.
			if failed = s.launch(ctx); failed != nil || s.enough(began) {
				return false
			}
		}
		if !task.Deleted { // no list should hold one that is; the full sync asks for it by ID
			omitted += s.take(pass, &task)
		}
		return true
	})
	if failed != nil {
		return omitted, failed
	}
	return omitted, err
}

// enough reports whether an answer has been read for long enough, and the rest of it is better asked for again: before the
// request runs out of time, and, in a full sync, when a poll is due.
func (s *syncer) enough(began time.Time) bool {
	now := s.now()
	limit := s.source.Spec.Timeout.Duration / 3
	if s.state.poll != nil {
		return now.Sub(began) > limit
	}
	due := s.state.watermark.newest != 0 && !now.Before(s.state.nextPoll)
	return due || now.Sub(began) > min(limit, s.source.Spec.Interval.Duration)
}

// take keeps a task that was read, where it differs from the mirror. It answers 1 where it is beyond the limits of
// history.
func (s *syncer) take(pass *studio.Pass, task *studio.Task) (omitted int) {
	if full := s.state.full; full != nil && pass != full.pass && pass != full.recent {
		full.alive[task.ID] = struct{}{}
	}
	mark := maphash.Bytes(s.state.seed, task.Raw)
	resumes := s.state.resuming && s.state.poll != nil && pass == s.state.poll.Pass
	for _, name := range mirror.Names(task.ID) {
		if s.index.Mirrors(taskstore.SourceIDOf(s.source), name, task.ID, mark, s.scope().StalledBefore) ||
			resumes && s.index.Shows(taskstore.SourceIDOf(s.source), name, task, s.scope().StalledBefore) {
			delete(s.state.problems, task.ID)
			return 0
		}
	}
	observation, err := mirror.Convert(task.Raw, s.session.redactor)
	if err != nil {
		return 0 // without a usable ID; the client has counted it
	}
	observation.Mark = mark
	plan := mirror.Plan(*s.scope(), []*mirror.Observation{observation}, s.index.Lookup(s.source.Namespace))
	s.note(&plan, observation.ID)
	for i := range plan.Current {
		s.index.Mark(&plan.Current[i], mark)
	}
	if len(plan.Actions) > 0 {
		s.state.pending = append(s.state.pending, observation)
		return 0
	}
	return len(plan.Omitted)
}

// note remembers why the task can't be mirrored, if so.
func (s *syncer) note(plan *mirror.Result, id string) {
	switch {
	case len(plan.Conflicts) > 0:
		s.state.problems.add(id, "")
	case len(plan.Nameless) > 0:
		s.state.problems.add(id, "every name that its object could have is that of another task")
	case len(plan.Actions) == 0:
		delete(s.state.problems, id)
	}
}

// scope says what is in scope, by what is stored.
func (s *syncer) scope() *mirror.Scope {
	if s.planned == nil {
		s.planned = &mirror.Scope{
			Namespace: s.source.Namespace,
			Source:    s.source.Name,
			SourceUID: s.source.UID,
			Types:     s.source.Spec.Types,
			Oldest:    s.oldest(nil),
			OldestNew: s.oldestNew(),
			Notify:    s.source.SendsEvents(),
			NewsAfter: s.state.news,

			StalledBefore: mirror.StalledBefore(s.source.Spec.StallAfter, s.now()),
		}
	}
	return s.planned
}

// oldest returns the oldest finished task that history keeps, once the observed ones are stored as well.
func (s *syncer) oldest(observed []*mirror.Observation) mirror.Stamp {
	history := s.source.Spec.History
	for _, flight := range s.flights {
		observed = append(observed[:len(observed):len(observed)], flight.observed...)
	}
	var stamps []mirror.Stamp
	if s.index.Finished(taskstore.SourceIDOf(s.source))+len(observed) > mirror.MaxTasks(history) {
		stamps = finishedStamps(s.index.Entries(taskstore.SourceIDOf(s.source)), observed)
	}
	return mirror.Oldest(stamps, history, s.now())
}

// oldestNew returns the oldest finished task that is mirrored anew: none that history has pruned before, and, where
// history is full, none that is older than all that are kept.
func (s *syncer) oldestNew() mirror.Stamp {
	limit := mirror.MaxTasks(s.source.Spec.History)
	switch {
	case limit == 0:
		return mirror.Stamp{UpdatedAt: math.MaxInt64}
	case s.index.Finished(taskstore.SourceIDOf(s.source)) < limit:
		return s.state.floor
	}
	if oldest := oldestFinished(s.index.Entries(taskstore.SourceIDOf(s.source))); oldest.Compare(s.state.floor) > 0 {
		return oldest
	}
	return s.state.floor
}

// finishedStamps lists the finished tasks among the stored and the observed ones, each once. An observed task replaces
// the stored one.
func finishedStamps(stored iter.Seq[*mirror.Entry], observed []*mirror.Observation) []mirror.Stamp {
	seen := make(map[string]*mirror.Observation, len(observed))
	for _, observation := range observed {
		seen[observation.ID] = observation
	}
	var stamps []mirror.Stamp
	for entry := range stored {
		if _, again := seen[entry.ID]; entry.Finished() && !again {
			stamps = append(stamps, entry.Stamp())
		}
	}
	for _, observation := range seen {
		if v1alpha1.IsFinishedPhase(observation.Status.Phase) {
			stamps = append(stamps, mirror.StampOf(observation))
		}
	}
	return stamps
}

func sourceKey(source *v1alpha1.LivepeerTaskSource) types.NamespacedName {
	return types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
}
