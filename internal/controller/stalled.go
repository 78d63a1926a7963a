// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"

	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// stalledBatch bounds the tasks that one poll asks for by ID because they seem stalled.
const stalledBatch = 20

// stallStep finds tasks that Studio has not updated for too long, and are not shown so yet. Each is asked for by ID first:
// only Studio's word makes it stalled. It follows a poll that was answered, so that an outage of Studio makes no task so.
// One that Studio does not answer about is left to the next full sync.
func (s *syncer) stallStep(ctx context.Context) error {
	before := s.scope().StalledBefore
	if before == 0 {
		return nil
	}
	for _, id := range s.index.Stalling(taskstore.SourceIDOf(s.source), before, s.state.unstalled, stalledBatch) {
		observation, err := s.ask(ctx, id)
		if err != nil {
			return slowDown(err)
		}
		if observation == nil || observation.Deleted {
			if s.state.unstalled == nil {
				s.state.unstalled = map[string]struct{}{}
			}
			s.state.unstalled[id] = struct{}{}
			continue
		}
		s.state.pending = append(s.state.pending, observation)
	}
	return s.flush(ctx)
}

// slowDown answers an error only where Studio wants to be left alone. Any other is a matter of the next poll.
func slowDown(err error) error {
	if api, ok := errors.AsType[*studio.Error](err); ok && api.Kind == studio.RateLimited {
		return err
	}
	return nil
}
