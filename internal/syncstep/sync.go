// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/backlog"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// sliceTime bounds one step of a source, so that a long sync shares the workers and shows its progress.
const sliceTime = 5 * time.Second

// Config is what all steps work with.
type Config struct {
	Index   *taskstore.Index
	Writer  *taskstore.Writer
	Clock   clock.WithDelayedExecution
	Log     logr.Logger
	Metrics *metrics.Metrics
	// Room and Memory are shared by all sources: see backlog.NewGate and backlog.NewMemory.
	Room, Memory *fair.Gate
}

// Monitor is told what a step waits for.
type Monitor interface {
	// Heard is called when Studio has answered.
	Heard()
	// Storing runs what waits for the Kubernetes API server.
	Storing(work func())
}

// Job is the source that a step works on.
type Job struct {
	Key        types.NamespacedName
	Source     *v1alpha1.LivepeerTaskSource
	Connection *recheck.Connection
	State      *State
	Rechecks   *recheck.Queue
	Monitor    Monitor
}

// Run works on what is due until nothing is, or the step is over. The error is one that syncstate.OutcomeOf knows; what was done
// before it stays done.
func Run(ctx context.Context, config *Config, job *Job) error {
	s := &syncer{Config: config, Job: job}
	if s.State.room == nil {
		s.State.room, s.State.memory = backlog.NewShare(config.Room, job.Key), backlog.NewShare(config.Memory, job.Key)
	}
	defer func() {
		s.State.room.Shrink(s.held())
		s.State.memory.Keep(s.State.remembered())
	}()
	err := s.run(ctx)
	if err == nil && s.Rechecks.Handoff.TakeOverfull() {
		err = s.prune(ctx)
	}
	return err
}

// syncer mirrors one source, for one step.
type syncer struct {
	*Config
	*Job

	end       time.Time   // of the step
	batches   []*batch    // of observations
	deletions []*batch    // of what is gone: nothing but the end of a full sync, and of a step, waits for these
	planned   *plan.Scope // what is in scope, until something is written
}

// run works on what was read and not written, then on what changed, then on the full sync.
func (s *syncer) run(ctx context.Context) error {
	defer s.stopAsking()
	s.end = s.now().Add(min(sliceTime, s.Source.Spec.Interval.Duration))
	for {
		if err := condition.Contain(s.Log, func() error { return s.step(ctx) }); err != nil {
			if full := s.State.full; full != nil {
				full.missing.asking.GiveUp()
			}
			_ = errors.Join(s.wait(0, nil), s.waitDeleted(0, nil)) // what it could not write is kept, and tried again with the rest
			if _, fault := errors.AsType[*condition.Fault](err); fault {
				s.State.poll, s.State.full, s.State.pending = nil, nil, nil // nobody knows how far they are
			}
			return err
		}
		if now := s.now(); !now.Before(s.end) || s.State.Wait(now) > 0 {
			err := s.wait(0, s.due())
			if err == nil {
				err = s.waitDeleted(0, s.due())
			}
			if err != nil || len(s.batches)+len(s.deletions) == 0 {
				return err
			} // else a poll is due before all is written
		}
	}
}

// step makes at most one listing request, and writes what it brought.
func (s *syncer) step(ctx context.Context) error {
	now := s.now()
	state := s.State
	state.memory.Keep(state.remembered())
	if len(state.pending) > 0 {
		return s.catchUp(ctx)
	}
	if state.full == nil && !now.Before(state.Schedule.NextFull) {
		state.full = s.newFullSync(now)
	}
	// While a full sync finds the first update of all, there is nothing yet to ask for changes since.
	if state.poll == nil && !now.Before(state.Schedule.NextPoll) && (state.Watermark.Newest() != 0 || state.full == nil) {
		state.poll = &pollPass{
			Pass:  s.newPass(studio.Query{UpdatedSince: state.Watermark.From()}),
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

// newPass begins a listing, which may remember as many tasks as there is room for.
func (s *syncer) newPass(query studio.Query) *studio.Pass {
	query.Room = s.State.memory.More
	return s.Connection.Client.NewPass(query)
}

// pollStep reads on in what changed since the last poll.
func (s *syncer) pollStep(ctx context.Context) error {
	poll := s.State.poll
	defer func() { s.State.room.Shrink(s.held()) }()
	if _, err := s.read(ctx, poll.Pass); err != nil {
		return err
	}
	if !poll.Done() || len(s.State.pending) > batchSize {
		return s.start(ctx)
	}
	if err := s.flushPoll(ctx); err != nil {
		return err
	}
	if err := s.unreadableInPoll(ctx, poll.Pass); err != nil {
		return err
	}
	now := s.now()
	s.State.Polled(s.Source, poll.began, now, poll.Newest())
	s.State.Health.Met(poll.Bad(), false)
	s.State.poll = nil
	s.Metrics.Polled(s.Key, metrics.KindPoll, now.Sub(poll.began))
	if err := s.unreadableStep(ctx); err != nil {
		return err
	}
	return s.stallStep(ctx)
}

// take keeps a task that was read, where it differs from the mirror. It returns 1 where it is beyond the limits of
// history.
func (s *syncer) take(pass *studio.Pass, task *studio.Task) (omitted int) {
	names := mirror.Names(task.ID)
	if full := s.State.full; full != nil && pass != full.pass && (full.recent == nil || pass != full.recent.pass) {
		// Others don't matter, and Studio can make up any number of them.
		if _, refused := s.State.Health.Rejected[task.ID]; refused || s.Index.Lookup(s.Source.Namespace).Any(names) {
			full.alive[task.ID] = struct{}{}
		}
	}
	fingerprint := maphash.Bytes(s.State.HashSeed, task.Raw)
	resumes := s.State.Coverage.Resuming && s.State.poll != nil && pass == s.State.poll.Pass
	for _, name := range names {
		if s.Index.Mirrors(taskstore.SourceIDOf(s.Source), name, task.ID, fingerprint, s.scope().StalledBefore) ||
			resumes && s.Index.Shows(taskstore.SourceIDOf(s.Source), name, task.ID, task.UpdatedAt, s.scope().StalledBefore) {
			delete(s.State.Health.Rejected, task.ID)
			return 0
		}
	}
	if s.isWritten(task.ID, fingerprint) {
		return 0
	}
	observation, err := mirror.Convert(task.Raw, s.Connection.Redactor)
	if err != nil {
		return 0 // without a usable ID; the client has counted it
	}
	observation.Fingerprint, observation.Size = fingerprint, len(task.Raw)
	planned := plan.Plan(*s.scope(), []*mirror.Observation{observation}, s.Index.Lookup(s.Source.Namespace))
	s.State.Health.Rejected.Planned(&planned, observation.ID)
	for i := range planned.Current {
		s.Index.Recognise(&planned.Current[i], fingerprint)
	}
	if len(planned.Actions) > 0 {
		s.State.pending = append(s.State.pending, observation)
		return 0
	}
	return len(planned.Omitted)
}

// isWritten reports whether just this is being written: a poll has some tasks again that a full sync has met, and the other way round.
func (s *syncer) isWritten(id string, fingerprint uint64) bool {
	return slices.ContainsFunc(s.batches, func(f *batch) bool {
		return slices.ContainsFunc(f.observed, func(o *mirror.Observation) bool { return o.Fingerprint == fingerprint && o.ID == id })
	})
}

// bounds tell what is in scope now.
func (s *syncer) bounds() *plan.Bounds {
	return &plan.Bounds{
		Source: s.Source, Stored: s.Index.Stored(taskstore.SourceIDOf(s.Source)), Now: s.now(),
		Cutoff: s.State.Retention.Cutoff, NotifyAfter: s.State.Retention.NotifyAfter,
	}
}

// scope says what is in scope, once all that is being written is stored.
func (s *syncer) scope() *plan.Scope {
	if s.planned == nil {
		scope := s.bounds().Scope(s.writing(nil))
		s.planned = &scope
	}
	return s.planned
}

// writing lists what is being written, and what is about to be.
func (s *syncer) writing(observed []*mirror.Observation) []*mirror.Observation {
	for _, batch := range s.batches {
		observed = append(slices.Clip(observed), batch.observed...)
	}
	return observed
}

// held adds up the tasks that were read, and are not written yet, in bytes of JSON.
func (s *syncer) held() int {
	held := s.State.held()
	for _, batch := range s.batches {
		held += sizeOf(batch.observed)
	}
	return held
}

func sizeOf(observed []*mirror.Observation) (size int) {
	for _, observation := range observed {
		size += observation.Size
	}
	return size
}

func (s *syncer) now() time.Time { return s.Clock.Now() }
