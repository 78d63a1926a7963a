// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// stalledBatch bounds the tasks that one poll asks for by ID because they seem stalled.
const stalledBatch = 20

// stallStep finds tasks that Studio has not updated for too long, and that are not shown as stalled yet. It asks for each by ID first:
// a task is stalled only if Studio confirms it. stallStep follows a poll that was answered, so that an outage makes no task stalled.
// A task that gets no answer is left to the next full sync.
func (s *syncer) stallStep(ctx context.Context) error {
	before := s.scope().StalledBefore
	if before == 0 {
		return nil
	}
	ids := s.Index.Stalling(taskstore.SourceIDOf(s.Source), before, s.State.Health.Unstalled, stalledBatch)
	answers, err := s.askAll(ctx, plan.Stalled, ids)
	for id, answer := range answers {
		switch answer.Verdict {
		case plan.Write:
			s.State.pending = append(s.State.pending, answer.Observation)
		case plan.LeaveOut:
			if s.State.Health.Unstalled == nil {
				s.State.Health.Unstalled = map[string]struct{}{}
			}
			s.State.Health.Unstalled[id] = struct{}{}
		}
	}
	return s.flush(ctx, err)
}
