// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// pollSoonEvery bounds how often pushes may have a source polled.
const pollSoonEvery = time.Second

// standing is what the turns of a source and those who follow pushes for it tell each other. Everything else of a source's
// progress belongs to its turns alone.
type standing struct {
	mu sync.Mutex

	// By the turns: until when Studio is left alone, what history must not bring back, and what is news.
	retryAt time.Time
	floor   mirror.Stamp
	news    int64

	// By those who follow pushes:
	wanted   bool      // a poll is to come at once: it covers what is pushed until then
	polling  bool      // a turn has begun that poll
	polled   time.Time // when it was last asked for
	told     time.Time // Studio itself named this time, and wants to be left alone until then
	overfull bool      // history is over its limit
	created  map[string]struct{}
}

// open reports whether a task that was pushed may be asked for now. Where it may not be, a poll will follow that covers it,
// and wake says that the source needs a turn for that.
func (s *standing) open(now time.Time) (open, wake bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case now.Before(s.retryAt), now.Before(s.told), s.wanted:
		return false, false
	case s.polling: // it may have read past this task already
		s.wanted = true
		return false, true
	}
	return true, false
}

// want asks for a poll. It reports whether the source needs a turn for that.
func (s *standing) want() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	wake := !s.wanted
	s.wanted = true
	return wake
}

// tell passes on that Studio wants to be left alone.
func (s *standing) tell(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.told) {
		s.told = until
	}
}

// wrote notes a task that is new in the cluster, and whether history is over its limit now.
func (s *standing) wrote(created string, overfull bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overfull = s.overfull || overfull
	if created == "" {
		return
	}
	if s.created == nil {
		s.created = map[string]struct{}{}
	}
	s.created[created] = struct{}{}
}

// hasCreated reports whether a push brought this task since the full sync began: its listing may not show it.
func (s *standing) hasCreated(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.created[id]
	return ok
}

// tooFull reports, once, whether pushes have brought history over its limit.
func (s *standing) tooFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := s.overfull
	s.overfull = false
	return full
}

// settle takes in, at the beginning of a turn, what pushes ask for.
func (p *progress) settle(now time.Time) {
	s := &p.standing
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told.After(now) && s.told.After(p.retryAt) {
		p.retryAt, p.retryFixed = s.told, true
		s.retryAt = s.told
	}
	s.told = time.Time{}
	if p.full == nil {
		s.created = nil
	}
	if p.hasten(now) {
		s.wanted, s.polling, s.polled = false, true, now
	}
}

// publish tells, at the end of a turn, what single tasks need to know of it.
func (p *progress) publish(now time.Time) {
	s := &p.standing
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retryAt, s.floor, s.news = p.retryAt, p.floor, p.news
	if p.poll == nil {
		s.polling = false
	}
	p.hasten(now)
}

// hasten brings the next poll forward where one is wanted, and reports whether it may begin now. One that is under way has
// to end first. The caller holds the lock of standing.
func (p *progress) hasten(now time.Time) bool {
	if !p.standing.wanted || p.poll != nil {
		return false
	}
	next := p.standing.polled.Add(pollSoonEvery)
	if next.Before(now) {
		next = now
	}
	if next.Before(p.nextPoll) {
		p.nextPoll = next
	}
	return !next.After(now)
}

// floorNow returns the oldest finished task that history lets in anew.
func (s *standing) floorNow() mirror.Stamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor
}
