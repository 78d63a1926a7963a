// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// batchSize bounds the tasks that are planned together, newest first.
	batchSize = 50
	// maxBatches bounds the batches of a full sync that are being written at once, and so are in memory. A poll may add
	// two of its own.
	maxBatches = 3
)

// batch is a batch of observations, or of deletions, that is being written.
type batch struct {
	observed []*mirror.Observation // none for deletions
	// counted: the full sync counts what the batch omits as beyond the limits of history.
	counted bool
	polled  bool // read by the poll that is under way
	plan    plan.Result
	done    chan struct{}
	out     *taskstore.Written // once done
	err     error
}

// start begins to write a batch of what was read. If too many batches are under way, it waits, but not beyond the time of the next poll.
func (s *syncer) start(ctx context.Context) error {
	if len(s.State.pending) == 0 {
		return nil
	}
	rest, stored := s.rest()
	due := s.due()
	if stored {
		due = nil
	}
	if err := s.wait(rest, due); err != nil {
		return err
	}
	s.launch(ctx)
	return nil
}

// startBefore begins to write a batch, if there is room for one before until fires.
func (s *syncer) startBefore(ctx context.Context, until <-chan time.Time) error {
	rest, _ := s.rest()
	err := s.wait(rest, until)
	if err == nil && len(s.batches) <= rest {
		s.launch(ctx)
	}
	return err
}

// rest returns how many batches may be under way when the next one begins, and whether some have to be stored first: those that share
// a task with it. A task must be stored before it is planned again, or it could be created under two names.
func (s *syncer) rest() (rest int, stored bool) {
	slices.SortStableFunc(s.State.pending, func(a, b *mirror.Observation) int {
		return cmp.Compare(mirror.StampOf(b).UpdatedAt, mirror.StampOf(a).UpdatedAt)
	})
	rest = maxBatches - 1
	if s.State.poll != nil {
		rest = maxBatches + 1 // the batches of a full sync must not delay a poll's
	}
	next := s.State.pending[:min(batchSize, len(s.State.pending))]
	for n := range s.batches {
		if s.underWay(next, s.batches[n:n+1]) {
			rest, stored = min(rest, len(s.batches)-n-1), true
		}
	}
	return rest, stored
}

// launch begins to write the next batch, newest first.
func (s *syncer) launch(ctx context.Context) {
	full := s.State.full
	f := &batch{
		observed: cut(&s.State.pending, batchSize),
		counted:  full != nil && full.recent == nil && s.State.poll == nil,
		polled:   s.State.poll != nil,
	}
	if s.underWay(f.observed, s.deletions) { // it is there again, as this newer observation says
		_ = s.waitDeleted(0, nil)
	}
	scope := *s.scope()
	scope.Oldest = s.bounds().Oldest(s.writing(f.observed))
	f.plan = plan.Plan(scope, f.observed, s.Index.Lookup(s.Source.Namespace))
	s.batches = append(s.batches, f)
	s.write(ctx, f, scope)
}

// write begins to write a batch according to its plan.
func (s *syncer) write(ctx context.Context, f *batch, scope plan.Scope) {
	f.done = make(chan struct{})
	s.planned = nil
	go func() {
		defer close(f.done)
		f.out, f.err = s.Writer.Apply(ctx, scope, f.plan.Actions)
	}()
}

// cut removes and returns the first n of all, or as many as there are. It copies them, so that a source at rest keeps nothing of them.
func cut[T any](all *[]T, n int) []T {
	n = min(n, len(*all))
	first := slices.Clone((*all)[:n])
	if *all = slices.Delete(*all, 0, n); len(*all) == 0 {
		*all = nil
	}
	return first
}

// due fires when the next poll is due. It never fires while a poll is under way, or before there is an update time to poll from.
func (s *syncer) due() <-chan time.Time {
	if s.State.poll != nil || s.State.Watermark.Newest() == 0 {
		return nil
	}
	return s.Clock.After(s.State.Schedule.NextPoll.Sub(s.now()))
}

// underWay reports whether one of the tasks is being written.
func (s *syncer) underWay(observed []*mirror.Observation, batches []*batch) bool {
	ids := map[string]struct{}{}
	for _, f := range batches {
		for i := range f.plan.Actions {
			ids[f.plan.Actions[i].Stored.ID] = struct{}{}
		}
		for _, observation := range f.observed {
			ids[observation.ID] = struct{}{}
		}
	}
	return slices.ContainsFunc(observed, func(o *mirror.Observation) bool {
		_, ok := ids[o.ID]
		return ok
	})
}

// wait waits until no more than so many batches are under way, or until due fires. What a batch could not write is pending
// again.
func (s *syncer) wait(rest int, due <-chan time.Time) error {
	var failed error
	for len(s.batches) > rest {
		f := s.batches[0]
		if !s.written(f, due) {
			return nil
		}
		cut(&s.batches, 1)
		if err := s.settle(f); err != nil {
			failed = cmp.Or(failed, err)
			rest, due = 0, nil // the others have probably failed too: all are tried again together
		}
	}
	return failed
}

// waitPolled waits until the batches of the poll are written.
func (s *syncer) waitPolled() error {
	for n := 0; n < len(s.batches); {
		f := s.batches[n]
		if !f.polled {
			n++
			continue
		}
		s.written(f, nil)
		s.batches = slices.Delete(s.batches, n, n+1)
		if err := s.settle(f); err != nil {
			return cmp.Or(err, s.wait(0, nil))
		}
	}
	return nil
}

// settle takes in a batch that was written. If that failed, its observations are pending again.
func (s *syncer) settle(f *batch) error {
	if f.err != nil {
		s.State.pending = append(s.State.pending, f.observed...)
		return f.err
	}
	if full := s.State.full; f.counted && full != nil {
		full.omitted += len(f.plan.Omitted)
	}
	return nil
}

// written waits until a batch is written, and takes in the result. It returns false if due fires first.
func (s *syncer) written(f *batch, due <-chan time.Time) (done bool) {
	s.Monitor.Storing(func() {
		select {
		case <-f.done:
			done = true
		case <-due:
		}
	})
	if done {
		s.planned = nil
		s.recordWritten(f.plan.Actions, f.out)
	}
	return done
}

// catchUp writes some of what was read, and waits for that before more is read from Studio.
func (s *syncer) catchUp(ctx context.Context) error {
	for range maxBatches {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	return s.wait(0, nil)
}

// flush writes all that was read, unless a question has failed.
func (s *syncer) flush(ctx context.Context, failed error) error {
	if failed != nil || len(s.State.pending) == 0 {
		return failed
	}
	return s.writeAll(ctx, func() error { return s.wait(0, nil) })
}

// flushPoll writes all that a poll has read. It does not wait for the batches of a full sync, or the next poll would be late.
func (s *syncer) flushPoll(ctx context.Context) error { return s.writeAll(ctx, s.waitPolled) }

// writeAll writes all that was read, waits for it, and then deletes what exceeds the limits of history.
func (s *syncer) writeAll(ctx context.Context, wait func() error) error {
	for len(s.State.pending) > 0 {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	if err := wait(); err != nil {
		return err
	}
	if s.Index.Finished(taskstore.SourceIDOf(s.Source)) > plan.MaxTasks(s.Source.Spec.History) {
		return s.prune(ctx)
	}
	return nil
}

// apply carries out actions that follow from no batch, and remembers which tasks were refused.
func (s *syncer) apply(ctx context.Context, scope *plan.Scope, actions []plan.Action) error {
	if len(actions) == 0 {
		return nil
	}
	s.planned = nil
	var out *taskstore.Written
	var err error
	s.Monitor.Storing(func() { out, err = s.Writer.Apply(ctx, *scope, actions) })
	s.recordWritten(actions, out)
	return err
}

// recordWritten remembers which tasks were refused, and which no longer are.
func (s *syncer) recordWritten(actions []plan.Action, out *taskstore.Written) {
	for i := range actions {
		if observation := actions[i].Observation; observation != nil {
			delete(s.State.Health.Rejected, observation.ID)
		}
	}
	for id, refusal := range out.Refused {
		text, _ := s.Connection.Redactor.Text(refusal.Error())
		s.State.Health.Rejected.Add(id, text)
		if _, known := s.State.Health.Rejected[id]; known && s.State.full != nil { // its listing may lack what a poll has found
			s.State.full.alive[id] = true
		}
	}
}

// prune deletes what is beyond the limits of types and history.
func (s *syncer) prune(ctx context.Context) error {
	scope := s.scope()
	s.State.Retention.Raise(s.bounds().OldestByCount())
	actions := plan.Limits(*scope, s.Index.Entries(taskstore.SourceIDOf(s.Source)))
	if err := s.apply(ctx, scope, actions); err != nil {
		return err
	}
	pruned := 0
	for i := range actions {
		if actions[i].Because == plan.BecauseHistory {
			pruned++
		}
	}
	s.State.Retention.Pruned(pruned)
	return nil
}
