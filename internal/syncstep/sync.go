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

// sliceTime bounds one step of a source, so that a long sync shares the slots and shows its progress.
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

// Monitor learns what a step waits for.
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

// Run works on what is due until nothing is, or the step's time is over. syncstate.OutcomeOf knows its errors; what was done before an
// error stays done.
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
	deletions []*batch    // only the end of a full sync, and of a step, waits for these
	planned   *plan.Scope // the scope, cached until something is written
}

// run writes what was read before, then polls, then goes on with the full sync.
func (s *syncer) run(ctx context.Context) error {
	defer s.stopAsking()
	s.end = s.now().Add(min(sliceTime, s.Source.Spec.Interval.Duration))
	for {
		if err := condition.Contain(s.Log, func() error { return s.step(ctx) }); err != nil {
			if full := s.State.full; full != nil {
				full.missing.asking.GiveUp()
			}
			_ = errors.Join(s.wait(0, nil), s.waitDeleted(0, nil)) // what failed is pending, and tried again with the rest
			if _, fault := errors.AsType[*condition.Fault](err); fault {
				s.State.poll, s.State.full, s.State.pending = nil, nil, nil // their state is unknown
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
	// Until a full sync has found the first update time, there is nothing to poll from.
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

// pollStep reads the next page of what changed since the last poll.
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
	poll.Stored()
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

// take adds a task that was read to pending if it differs from the mirror. It returns 1 if the task is beyond the limits of
// history.
func (s *syncer) take(pass *studio.Pass, task *studio.Task) (omitted int) {
	names := mirror.Names(task.ID)
	if full := s.State.full; full != nil && (task.Deleted || pass != full.pass && (full.recent == nil || pass != full.recent.pass)) {
		// Tasks that are not stored don't matter here, and Studio could make up any number of them.
		if _, refused := s.State.Health.Rejected[task.ID]; refused || s.Index.Lookup(s.Source.Namespace).Any(names) {
			full.alive[task.ID] = !task.Deleted
		}
	}
	if task.Deleted { // no list should have deleted tasks; the full sync asks for it by ID
		return 0
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
		return 0 // it has no usable ID; the client has counted it
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

// isWritten reports whether this very version is being written: a poll and a full sync may both read a task.
func (s *syncer) isWritten(id string, fingerprint uint64) bool {
	return slices.ContainsFunc(s.batches, func(f *batch) bool {
		return slices.ContainsFunc(f.observed, func(o *mirror.Observation) bool { return o.Fingerprint == fingerprint && o.ID == id })
	})
}

// bounds returns what the scope is computed from.
func (s *syncer) bounds() *plan.Bounds {
	return &plan.Bounds{
		Source: s.Source, Stored: s.Index.Stored(taskstore.SourceIDOf(s.Source)), Now: s.now(),
		Cutoff: s.State.Retention.Cutoff, NotifyAfter: s.State.Retention.NotifyAfter,
	}
}

// scope returns the scope that holds once all that is being written is stored.
func (s *syncer) scope() *plan.Scope {
	if s.planned == nil {
		scope := s.bounds().Scope(s.writing(nil))
		s.planned = &scope
	}
	return s.planned
}

// writing adds what is being written to observed, which is about to be written.
func (s *syncer) writing(observed []*mirror.Observation) []*mirror.Observation {
	for _, batch := range s.batches {
		observed = append(slices.Clip(observed), batch.observed...)
	}
	return observed
}

// held is the size of the tasks that were read and are not written yet, in bytes of JSON.
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
