// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"
	"errors"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

const (
	// firstPage bounds the tasks of one page in a first sync: what is read ahead of the writers is in memory.
	firstPage = 250
	// quickLook is how many tasks are listed first of all. They are read twice: less than a tenth more, from 600 tasks on.
	quickLook = 50
	// recentAttempts bounds how often the newest-first listing may fail: it only brings the newest tasks sooner.
	recentAttempts = 2
)

// recent lists newest first, in a first sync, so that what matters most is there first. It is one short page, since the complete listing
// repeats it. Only if there are more tasks than history keeps, it goes on until history is full: otherwise, older tasks would be
// written only to be deleted again.
type recent struct {
	pass     *studio.Pass
	failures int
	// began: a page was read. probed: it is known whether history has room for all tasks. over: no page follows.
	began, probed, over bool
}

func (s *syncer) newRecent() *recent {
	return &recent{pass: s.newPass(studio.Query{NewestFirst: true, FirstLimit: quickLook, Limit: firstPage})}
}

// recentStep reads a page, newest first.
func (s *syncer) recentStep(ctx context.Context) error {
	full := s.State.full
	if full.recent.over {
		if len(s.batches) > 0 { // these tasks are listed again, and must be in the index by then
			return s.wait(0, s.due())
		}
		full.recent = nil
		return nil
	}
	err := full.recent.step(ctx, s)
	if _, api := errors.AsType[*studio.Error](err); api {
		full.recent.failures++
		full.recent.over = full.recent.failures >= recentAttempts
	}
	return err
}

func (r *recent) step(ctx context.Context, s *syncer) error {
	if r.began && !r.probed {
		more, err := s.Connection.Client.HasMore(ctx, plan.MaxTasks(s.Source.Spec.History))
		r.probed, r.over = err == nil, err == nil && !more
		return err
	}
	omitted, err := s.list(ctx, r.pass)
	if err == nil {
		r.began, r.over = true, r.pass.Done() || omitted > 0
	}
	return err
}
