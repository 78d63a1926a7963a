// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/backlog"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
)

// State is the progress of the mirroring of one source, and what is under way from one step to the next.
type State struct {
	syncstate.State

	poll    *pollPass
	full    *fullSync
	pending []*mirror.Observation // read, and not yet written
	room    *backlog.Share        // for what was read; nil before the first step
	memory  *backlog.Share        // for what listings remember; nil before the first step
}

// pollPass is a poll for changes that is under way.
type pollPass struct {
	*studio.Pass
	began time.Time
}

// Wait returns how long there is nothing to do; 0 or less if something is due.
func (s *State) Wait(now time.Time) time.Duration {
	return s.Schedule.Wait(now, len(s.pending) > 0 || s.poll != nil || s.full != nil)
}

// Update takes in changes of the source, and drops what is under way if it is of no use any more.
func (s *State) Update(source *v1alpha1.LivepeerTaskSource, found syncstate.Observed, resync func() syncstate.Wanted, now time.Time) {
	switch s.Renew(source, found, resync, now) {
	case syncstate.Everything:
		s.poll, s.full, s.pending = nil, nil, nil
	case syncstate.FullSync:
		s.full = nil
	}
}

// Yield gives up what a full sync has read and not written, if others may need its room: the sync failed, and may fail for long. It
// begins again later.
func (s *State) Yield() {
	if s.room == nil || s.full == nil || s.poll != nil || s.held() == 0 || !s.room.Wanted() {
		return
	}
	s.full, s.pending = nil, nil
	s.room.Shrink(0)
	s.memory.Keep(s.remembered())
}

// Close gives back the source's room. No step may be under way.
func (s *State) Close() {
	if s.room != nil {
		s.room.Shrink(0)
		s.memory.Keep(0)
	}
}

// remembered adds up the room that the listings under way have for what they remember.
func (s *State) remembered() int {
	rooms := 0
	if s.poll != nil {
		rooms += s.poll.Rooms()
	}
	if s.full != nil {
		rooms += s.full.pass.Rooms()
		if s.full.fresh != nil {
			rooms += s.full.fresh.Rooms()
		}
		if s.full.recent != nil {
			rooms += s.full.recent.pass.Rooms()
		}
	}
	return rooms
}

// held is the size of the tasks that wait from one step to the next, in bytes of JSON.
func (s *State) held() int {
	held := sizeOf(s.pending)
	if s.full != nil {
		held += sizeOf(s.full.ahead)
	}
	return held
}

// Polling reports whether a poll is under way.
func (s *State) Polling() bool { return s.poll != nil }

// Listing reports whether a full sync is under way.
func (s *State) Listing() bool { return s.full != nil }

// Behind reports whether not all that was read is stored yet.
func (s *State) Behind() bool { return s.held() > 0 }
