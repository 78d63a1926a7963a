// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// unreadableInPoll takes in the rows that a poll left out as unreadable.
func (s *syncer) unreadableInPoll(ctx context.Context, pass *studio.Pass) error {
	ids, err := pass.Locate(ctx, s.State.Health.Unreadable.Known())
	if err != nil {
		return err
	}
	s.State.Health.Unreadable.Polled(ids, pass.Unreadable())
	return nil
}

// unreadableInAll takes in the rows that a full sync left out as unreadable, and the missing tasks that can't be read by ID
// either: they are missing from the list for the same reason.
func (s *syncer) unreadableInAll(ctx context.Context) error {
	full, u := s.State.full, &s.State.Health.Unreadable
	var lacked []string
	for id, given := range full.missing.unanswered {
		if given {
			lacked = append(lacked, id)
		}
	}
	u.Add(lacked...)
	ids, err := full.pass.Locate(ctx, u.Known())
	if err != nil {
		return err
	}
	u.Listed(append(lacked, ids...), full.pass.Unreadable())
	return nil
}

// unreadableStep asks by ID for tasks that the API could not read, to see whether it can again. It follows each poll.
func (s *syncer) unreadableStep(ctx context.Context) error {
	u := &s.State.Health.Unreadable
	answers, err := s.askAll(ctx, plan.Unread, u.Some())
	for id, answer := range answers {
		switch answer.Verdict {
		case plan.Write:
			s.State.pending = append(s.State.pending, answer.Observation)
			u.Readable(id)
		case plan.Gone:
			s.Rechecks.Gone(s.Source, id)
			u.Readable(id)
		case plan.LeaveOut:
			u.Readable(id)
		}
	}
	return s.flush(ctx, err)
}
