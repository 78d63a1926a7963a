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
	// maxBatches bounds the batches of a full sync that are under way at once: what is read ahead of the writers, and so
	// held in memory. A poll may add two of its own.
	maxBatches = 3
)

// batch is a batch that is being written: of observations, or of deletions.
type batch struct {
	observed []*mirror.Observation // none where tasks are gone
	// counted: what is beyond the limits of history is among what the full sync counts.
	counted bool
	polled  bool // by a poll that is under way
	plan    plan.Result
	done    chan struct{}
	out     *taskstore.Written // once done
	err     error
}

// start begins to write a batch of what was read, and waits only where too much is under way, and no poll is due.
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

// startBefore begins to write a batch, where there is room for one until then.
func (s *syncer) startBefore(ctx context.Context, until <-chan time.Time) error {
	rest, _ := s.rest()
	err := s.wait(rest, until)
	if err == nil && len(s.batches) <= rest {
		s.launch(ctx)
	}
	return err
}

// rest returns how many batches may be under way when the next one begins, and whether others have to be stored before: a task of it is
// planned again only once it is stored, or it could be stored under two names.
func (s *syncer) rest() (rest int, stored bool) {
	slices.SortStableFunc(s.State.pending, func(a, b *mirror.Observation) int {
		return cmp.Compare(mirror.StampOf(b).UpdatedAt, mirror.StampOf(a).UpdatedAt)
	})
	rest = maxBatches - 1
	if s.State.poll != nil {
		rest = maxBatches + 1 // what a full sync has under way must not keep a change waiting
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
	if s.underWay(f.observed, s.deletions) { // gone, and there again: this observation is the newer one
		_ = s.waitDeleted(0, nil)
	}
	scope := *s.scope()
	scope.Oldest = s.bounds().Oldest(s.writing(f.observed))
	f.plan = plan.Plan(scope, f.observed, s.Index.Lookup(s.Source.Namespace))
	s.batches = append(s.batches, f)
	s.write(ctx, f, scope)
}

// write begins to write a batch as it is planned.
func (s *syncer) write(ctx context.Context, f *batch, scope plan.Scope) {
	f.done = make(chan struct{})
	s.planned = nil
	go func() {
		defer close(f.done)
		f.out, f.err = s.Writer.Apply(ctx, scope, f.plan.Actions)
	}()
}

// cut takes the first n of all, or as many as there are. Nothing of them stays behind in memory: a source may rest for long.
func cut[T any](all *[]T, n int) []T {
	n = min(n, len(*all))
	first := slices.Clone((*all)[:n])
	if *all = slices.Delete(*all, 0, n); len(*all) == 0 {
		*all = nil
	}
	return first
}

// due fires when a poll is to begin, and never where one has begun or has nothing to begin from.
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
			rest, due = 0, nil // the others have hardly fared better: all is tried again together
		}
	}
	return failed
}

// waitPolled waits until what a poll has brought is written.
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

// settle takes in a batch that was written. What it could not write is pending again.
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

// written waits until a batch is written, and takes in what became of it. It returns false where due fires first.
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

// catchUp writes some of what was read, and waits for it: Studio is asked for no more before.
func (s *syncer) catchUp(ctx context.Context) error {
	for range maxBatches {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	return s.wait(0, nil)
}

// flush writes all that was read.
func (s *syncer) flush(ctx context.Context) error {
	return s.writeAll(ctx, func() error { return s.wait(0, nil) })
}

// flushPoll writes all that a poll has read, and waits for nothing that a full sync has under way: the next poll would be late.
func (s *syncer) flushPoll(ctx context.Context) error { return s.writeAll(ctx, s.waitPolled) }

// writeAll writes all that was read, waits for it, and deletes what history has no room for then.
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
	}
}

// prune deletes what the limits of types and history leave no room for.
func (s *syncer) prune(ctx context.Context) error {
	scope := s.scope()
	s.State.Retention.Raise(scope.Oldest)
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
