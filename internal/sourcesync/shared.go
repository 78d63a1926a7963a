// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// pollSoonEvery bounds how often pushes may have a source polled.
const pollSoonEvery = time.Second

// shared is what the steps of a source and those who look at single tasks tell each other. Everything else of a source's state
// belongs to its steps alone.
type shared struct {
	mu sync.Mutex

	// By the steps: until when Studio is left alone, what history must not bring back, and what is news.
	retryAt time.Time
	floor   mirror.Stamp
	news    int64
	// projects are those of the tasks that the last listing of all tasks held, made with a connection of this fingerprint.
	projects    map[string]struct{}
	fingerprint string

	// By those who follow pushes:
	asks     bool      // any of what follows was set since the last step began
	wanted   bool      // a poll is to come at once: it covers what is pushed until then
	polling  bool      // a step has begun that poll
	polled   time.Time // when it was last asked for
	told     time.Time // Studio itself named this time, and wants to be left alone until then
	overfull bool      // history is over its limit
	created  map[string]struct{}
}

// begin takes back all that was said: a poll is to come.
func (s *shared) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retryAt, s.told, s.polled, s.floor, s.news = time.Time{}, time.Time{}, time.Time{}, mirror.Stamp{}, nothingIsNews
	s.asks, s.wanted, s.polling, s.overfull, s.created = false, false, true, false, nil // until the first step has ended
}

// open reports whether a task that was pushed may be asked for now. Where it may not be, a poll will follow that covers it,
// and wake says that the source needs a step for that.
func (s *shared) open(now time.Time) (open, wake bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case now.Before(s.retryAt), now.Before(s.told), s.wanted:
		return false, false
	case s.polling: // it may have read past this task already
		s.wanted, s.asks = true, true
		return false, true
	}
	return true, false
}

// leftAlone reports whether Studio is to be left alone for now.
func (s *shared) leftAlone(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.retryAt) || now.Before(s.told)
}

// asked reports whether a step has something to take in.
func (s *shared) asked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asks
}

// want asks for a poll. It reports whether the source needs a step for that.
func (s *shared) want() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	wake := !s.wanted
	s.wanted, s.asks = true, true
	return wake
}

// tell passes on that Studio wants to be left alone.
func (s *shared) tell(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.told) {
		s.told, s.asks = until, true
	}
}

// wrote notes a task that is new in the cluster, and whether history is over its limit now.
func (s *shared) wrote(created string, overfull bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overfull, s.asks = s.overfull || overfull, s.asks || overfull
	if created == "" {
		return
	}
	if s.created == nil {
		s.created = map[string]struct{}{}
	}
	s.created[created] = struct{}{}
}

// hasCreated reports whether a push brought this task since the full sync began: its listing may not show it.
func (s *shared) hasCreated(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.created[id]
	return ok
}

// tooFull reports, once, whether pushes have brought history over its limit.
func (s *shared) tooFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := s.overfull
	s.overfull = false
	return full
}

// settle takes in, at the beginning of a step, what pushes ask for.
func (s *shared) settle(p *state, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks = false
	if s.told.After(now) && s.told.After(p.retryAt) {
		p.retryAt, p.retryFixed = s.told, true
		s.retryAt = s.told
	}
	s.told = time.Time{}
	if p.full == nil {
		s.created = nil
	}
	if s.hasten(p, now) {
		s.wanted, s.polling, s.polled = false, true, now
	}
}

// publish tells, at the end of a step, what single tasks need to know of it.
func (s *shared) publish(p *state, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retryAt, s.floor, s.news = p.retryAt, p.floor, p.news
	if p.poll == nil {
		s.polling = false
	}
	s.hasten(p, now)
}

// hasten brings the next poll forward where one is wanted, and reports whether it may begin now. One that is under way has
// to end first. The caller holds the lock.
func (s *shared) hasten(p *state, now time.Time) bool {
	if !s.wanted || p.poll != nil {
		return false
	}
	next := s.polled.Add(pollSoonEvery)
	if next.Before(now) {
		next = now
	}
	if next.Before(p.nextPoll) {
		p.nextPoll = next
	}
	return !next.After(now)
}

// listed notes of which projects the tasks in a listing of all tasks are.
func (s *shared) listed(fingerprint string, projects map[string]struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fingerprint, s.projects = fingerprint, projects
}

// elsewhere reports whether a project is another than those of all tasks that are listed. Where nothing is listed, or no task
// says its project, none is.
func (s *shared) elsewhere(fingerprint, project string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, here := s.projects[project]
	return project != "" && len(s.projects) > 0 && !here && fingerprint == s.fingerprint
}

// floorNow returns the oldest finished task that history lets in anew.
func (s *shared) floorNow() mirror.Stamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor
}
