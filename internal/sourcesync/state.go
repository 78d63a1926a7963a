// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
)

// state is how far the mirroring of one source has come, and what of it is under way from one step to the next.
type state struct {
	syncstate.State

	poll    *pollPass
	full    *fullSync
	pending []*mirror.Observation // read, and not yet written
}

// pollPass is a poll for changes that is under way.
type pollPass struct {
	*studio.Pass
	began time.Time
}

// wait returns how long there is nothing to do; 0 or less when there is.
func (s *state) wait(now time.Time) time.Duration {
	return s.Schedule.Wait(now, len(s.pending) > 0 || s.poll != nil || s.full != nil)
}

// renew takes in what changed about the source, and drops what is under way where it is of no use any more.
func (s *state) renew(source *v1alpha1.LivepeerTaskSource, found syncstate.Observed, resync func() bool, now time.Time) {
	switch s.Renew(source, found, resync, now) {
	case syncstate.Everything:
		s.poll, s.full, s.pending = nil, nil, nil
	case syncstate.FullSync:
		s.full = nil
	}
}
