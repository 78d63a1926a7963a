// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
)

// pollSoonEvery bounds how often pushes may have a source polled.
const pollSoonEvery = time.Second

// Handoff is what the steps of a source and those who refetch single tasks tell each other. Everything else of a source's state
// belongs to its steps alone.
type Handoff struct {
	mu sync.Mutex

	// What the last step said: until when Studio is left alone, and what history leaves out.
	retryAt   time.Time
	uncovered bool // no poll is to begin by then that would find what is pushed meanwhile
	retention syncstate.Retention
	// projects are those of the tasks that the last listing of all tasks held, made with a connection of this fingerprint.
	projects    map[string]struct{}
	fingerprint string

	wanted wanted
}

// wanted is what refetches want of the steps.
type wanted struct {
	anything bool      // any of what follows was set since the last step began
	poll     bool      // a poll is to come at once: it covers what is pushed until then
	polling  bool      // a step has begun that poll
	polled   time.Time // when it was last wanted
	pause    time.Time // Studio itself named this time, and wants to be left alone until then
	fullSync bool      // many tasks need to be put right: a full sync is cheaper
	overfull bool      // history is over its limit
	created  map[string]struct{}
}

// Begin takes back all that was said, as of a source that was made anew: a poll is to come. notifyAfter is that of Retention.
func (h *Handoff) Begin(notifyAfter int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retryAt, h.retention = time.Time{}, syncstate.Retention{NotifyAfter: notifyAfter}
	h.wanted = wanted{polling: true, fullSync: h.wanted.fullSync} // until the first step has ended
}

// open reports whether a task that was pushed may be asked for now. Where it may not be, a poll will follow that covers it,
// and wake says that the source needs a step for that.
func (h *Handoff) open(now time.Time) (open, wake bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case now.Before(h.retryAt), now.Before(h.wanted.pause), h.wanted.poll:
		if h.uncovered && !h.wanted.poll {
			h.wanted.poll, h.wanted.anything = true, true
		}
		return false, false
	case h.wanted.polling: // it may have read past this task already
		h.wanted.poll, h.wanted.anything = true, true
		return false, true
	}
	return true, false
}

// leftAlone reports whether Studio is to be left alone for now.
func (h *Handoff) leftAlone(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Before(h.retryAt) || now.Before(h.wanted.pause)
}

// Waiting reports whether a step has something to take in.
func (h *Handoff) Waiting() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wanted.anything
}

// wantPoll asks for a poll. It reports whether the source needs a step for that.
func (h *Handoff) wantPoll() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	wake := !h.wanted.poll
	h.wanted.poll, h.wanted.anything = true, true
	return wake
}

// wantFullSync asks for a full sync.
func (h *Handoff) wantFullSync() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted.fullSync = true
}

// TakeFullSync reports, once, whether a full sync is wanted.
func (h *Handoff) TakeFullSync() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.wanted.fullSync
	h.wanted.fullSync = false
	return was
}

// pause passes on that Studio wants to be left alone.
func (h *Handoff) pause(until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until.After(h.wanted.pause) {
		h.wanted.pause, h.wanted.anything = until, true
	}
}

// creates notes a task that is about to be new in the cluster.
func (h *Handoff) creates(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wanted.created == nil {
		h.wanted.created = map[string]struct{}{}
	}
	h.wanted.created[id] = struct{}{}
}

// overfills notes that history is over its limit now.
func (h *Handoff) overfills() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted.overfull, h.wanted.anything = true, true
}

// HasCreated reports whether a push brought this task since the full sync began: its listing may not show it.
func (h *Handoff) HasCreated(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.wanted.created[id]
	return ok
}

// TakeOverfull reports, once, whether pushes have brought history over its limit.
func (h *Handoff) TakeOverfull() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.wanted.overfull
	h.wanted.overfull = false
	return was
}

// Settle takes in, at the beginning of a step, what pushes ask for. polling and listing say what is under way.
func (h *Handoff) Settle(schedule *syncstate.Schedule, polling, listing bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted.anything = false
	if h.wanted.pause.After(now) {
		schedule.LeaveAlone(h.wanted.pause)
		h.retryAt = schedule.RetryAt
	}
	h.wanted.pause = time.Time{}
	if !listing {
		h.wanted.created = nil
	}
	if !polling && h.hasten(schedule, now) {
		h.wanted.poll, h.wanted.polling, h.wanted.polled = false, true, now
	}
}

// Publish tells, at the end of a step, what refetches need to know of it.
func (h *Handoff) Publish(state *syncstate.State, polling bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retryAt, h.retention = state.Schedule.RetryAt, state.Retention
	h.uncovered = polling || state.Schedule.NextPoll.After(h.retryAt)
	if !polling {
		h.wanted.polling = false
		h.hasten(&state.Schedule, now)
	}
}

// hasten brings the next poll forward where one is wanted, and reports whether it may begin now. One that is under way has
// to end first. The caller holds the lock.
func (h *Handoff) hasten(schedule *syncstate.Schedule, now time.Time) bool {
	if !h.wanted.poll {
		return false
	}
	next := h.wanted.polled.Add(pollSoonEvery)
	if next.Before(now) {
		next = now
	}
	if next.Before(schedule.NextPoll) {
		schedule.NextPoll = next
	}
	return !next.After(now)
}

// Listed notes of which projects the tasks in a listing of all tasks are.
func (h *Handoff) Listed(fingerprint string, projects map[string]struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fingerprint, h.projects = fingerprint, projects
}

// elsewhere reports whether a project is another than those of all tasks that are listed. Where nothing is listed, or no task
// says its project, none is.
func (h *Handoff) elsewhere(fingerprint, project string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, here := h.projects[project]
	told := len(h.projects)
	if _, untold := h.projects[""]; untold {
		told--
	}
	return project != "" && told > 0 && !here && fingerprint == h.fingerprint
}

// unlisted reports whether nothing that is listed tells that a project is the key's: no task is of it, or not with this key yet. A task
// that says none is of the user's default project, whichever that is.
func (h *Handoff) unlisted(fingerprint, project string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, here := h.projects[project]
	return !here || fingerprint != h.fingerprint
}

// retained returns what history leaves out now.
func (h *Handoff) retained() syncstate.Retention {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.retention
}
