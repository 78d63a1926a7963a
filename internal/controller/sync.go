// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/livepeer"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// batchSize bounds the tasks that are held in memory to be written, and so how long one slice of work takes.
const batchSize = 250

// sliceTime bounds one turn of a source, so that a long sync shares the workers and shows its progress.
const sliceTime = 2 * time.Second

// syncer mirrors one source, one turn at a time.
type syncer struct {
	source  *v1alpha1.LivepeerTaskSource
	session *session
	state   *progress
	index   *taskIndex
	writer  *writer
	now     func() time.Time

	planned *mirror.Scope // what is in scope, until something is written
}

// run works until nothing is due or the turn is over: first what was read and not written, then what changed, then the
// full sync. The error is one that outcomeOf knows; what was done before it stays done.
func (s *syncer) run(ctx context.Context) error {
	turn := s.now().Add(min(sliceTime, s.source.Spec.Interval.Duration))
	for {
		if err := s.step(ctx); err != nil {
			return err
		}
		if now := s.now(); !now.Before(turn) || s.state.wait(now) > 0 {
			return nil
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
			Pass:  s.session.client.NewPass(livepeer.Query{UpdatedSince: state.watermark.from()}),
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
	if err := s.flush(ctx); err != nil || !poll.Done() {
		return err
	}
	now := s.now()
	s.state.watermark.polled(poll.began, now, poll.Newest())
	s.state.unreadable = max(s.state.unreadable, poll.Unreadable())
	s.state.poll = nil
	s.polled(now)
	return nil
}

// polled notes that the API has answered, and when to ask again.
func (s *syncer) polled(now time.Time) {
	s.state.polledAt = now
	s.state.nextPoll = slot(s.source.UID, s.source.Spec.Interval.Duration, now)
}

// read makes one listing request and keeps, of its tasks, those that differ from the mirror. It answers how many of the
// others are beyond the limits of history.
func (s *syncer) read(ctx context.Context, pass *livepeer.Pass) (omitted int, err error) {
	err = pass.Next(ctx, func(task livepeer.Task) bool {
		if len(s.state.pending) >= batchSize {
			return false
		}
		if task.Deleted {
			return true // no list should hold it; the full sync asks for it by ID
		}
		if s.state.full != nil && pass != s.state.full.pass {
			s.state.full.alive[task.ID] = struct{}{}
		}
		observation, err := mirror.Convert(task.Raw, s.session.redactor)
		if err != nil {
			return true // without a usable ID; the client has counted it
		}
		plan := mirror.Plan(*s.scope(), []*mirror.Observation{observation}, s.index.lookup(s.source.Namespace))
		s.note(&plan, observation.ID)
		if len(plan.Actions) > 0 {
			s.state.pending = append(s.state.pending, observation)
		} else {
			omitted += len(plan.Omitted)
		}
		return true
	})
	return omitted, err
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

// flush writes what was read, newest first. What could not be written is kept for the next attempt.
func (s *syncer) flush(ctx context.Context) error {
	if len(s.state.pending) == 0 {
		return nil
	}
	slices.SortStableFunc(s.state.pending, func(a, b *mirror.Observation) int {
		return cmp.Compare(mirror.StampOf(b).UpdatedAt, mirror.StampOf(a).UpdatedAt)
	})
	scope := *s.scope()
	scope.Oldest = s.oldest(s.state.pending)
	plan := mirror.Plan(scope, s.state.pending, s.index.lookup(s.source.Namespace))
	if err := s.apply(ctx, &scope, plan.Actions); err != nil {
		return err
	}
	if full := s.state.full; full != nil && full.recent == nil && s.state.poll == nil {
		full.omitted += len(plan.Omitted)
	}
	s.state.pending = nil
	if s.index.finished(idOf(s.source)) > mirror.MaxTasks(s.source.Spec.History) {
		return s.prune(ctx)
	}
	return nil
}

// apply carries out actions and remembers which tasks were refused.
func (s *syncer) apply(ctx context.Context, scope *mirror.Scope, actions []mirror.Action) error {
	if len(actions) == 0 {
		return nil
	}
	s.planned = nil
	for i := range actions {
		if observation := actions[i].Observation; observation != nil {
			delete(s.state.problems, observation.ID)
		}
	}
	out, err := s.writer.apply(ctx, *scope, actions)
	for id, refusal := range out.Refused {
		text, _ := s.session.redactor.Text(refusal.Error())
		s.state.problems.add(id, text)
	}
	return err
}

// prune deletes what the limits of types and history leave no room for.
func (s *syncer) prune(ctx context.Context) error {
	scope := s.scope()
	if scope.Oldest.Compare(s.state.floor) > 0 {
		s.state.floor = scope.Oldest
	}
	return s.apply(ctx, scope, mirror.PlanLimits(*scope, s.index.entries(idOf(s.source))))
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
		}
	}
	return s.planned
}

// oldest returns the oldest finished task that history keeps, once the observed ones are stored as well.
func (s *syncer) oldest(observed []*mirror.Observation) mirror.Stamp {
	history := s.source.Spec.History
	var stamps []mirror.Stamp
	if s.index.finished(idOf(s.source))+len(observed) > mirror.MaxTasks(history) {
		stamps = finishedStamps(s.index.entries(idOf(s.source)), observed)
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
	case s.index.finished(idOf(s.source)) < limit:
		return s.state.floor
	}
	if oldest := oldestFinished(s.index.entries(idOf(s.source))); oldest.Compare(s.state.floor) > 0 {
		return oldest
	}
	return s.state.floor
}

// finishedStamps lists the finished tasks among the stored and the observed ones, each once. An observed task replaces
// the stored one.
func finishedStamps(stored []mirror.Entry, observed []*mirror.Observation) []mirror.Stamp {
	finished := map[string]mirror.Stamp{}
	for i := range stored {
		if stored[i].Finished() {
			finished[stored[i].ID] = stored[i].Stamp()
		}
	}
	for _, observation := range observed {
		delete(finished, observation.ID)
		if v1alpha1.IsFinishedPhase(observation.Status.Phase) {
			finished[observation.ID] = mirror.StampOf(observation)
		}
	}
	stamps := make([]mirror.Stamp, 0, len(finished))
	for _, stamp := range finished {
		stamps = append(stamps, stamp)
	}
	return stamps
}

func sourceKey(source *v1alpha1.LivepeerTaskSource) types.NamespacedName {
	return types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
}
