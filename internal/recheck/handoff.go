// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
)

// pollSoonEvery bounds how often pushes may have a source polled.
const pollSoonEvery = time.Second

// Handoff is how the steps of a source and the questions about single tasks inform each other. All other state of a source
// belongs to its steps alone.
type Handoff struct {
	mu sync.Mutex

	// Set by the last step: until when not to ask Studio, and what history leaves out.
	retryAt   time.Time
	uncovered bool // no poll will begin at retryAt that finds what is pushed until then
	retention syncstate.Retention
	// projects are those of all tasks in the last listing of every task, and fingerprint that of the connection it was made with.
	projects    map[string]struct{}
	fingerprint string
	compared    int // counts the full syncs that have compared what they listed with what is stored

	wanted wanted
}

// wanted is what the questions request from the steps.
type wanted struct {
	anything bool      // poll, pause or overfull was set since the last step began
	poll     bool      // a poll should begin at once: it covers what is pushed until then
	polling  bool      // a step has begun that poll
	polled   time.Time // when the last such poll began
	pause    time.Time // the end of a Retry-After of Studio
	fullSync syncstate.Wanted
	overfull bool // more finished tasks are stored than history keeps
}

// Begin resets everything but a request for a full sync, as for a source that was created anew. notifyAfter is Retention's.
func (h *Handoff) Begin(notifyAfter int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retryAt, h.retention = time.Time{}, syncstate.Retention{NotifyAfter: notifyAfter}
	h.wanted = wanted{polling: true, fullSync: h.wanted.fullSync} // until the first step has ended
}

// open reports whether a pushed task may be asked for now. If not, a poll that covers it will follow; wake says that the source has to
// be woken for that.
func (h *Handoff) open(now time.Time) (open, wake bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case now.Before(h.retryAt), now.Before(h.wanted.pause), h.wanted.poll:
		if h.uncovered && !h.wanted.poll {
			h.wanted.poll, h.wanted.anything = true, true
		}
		return false, false
	case h.wanted.polling: // that poll may have read past this task already
		h.wanted.poll, h.wanted.anything = true, true
		return false, true
	}
	return true, false
}

// leftAlone reports whether Studio must not be asked now.
func (h *Handoff) leftAlone(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Before(h.retryAt) || now.Before(h.wanted.pause)
}

// Waiting reports whether there is a request that a step has not taken in yet.
func (h *Handoff) Waiting() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wanted.anything
}

// wantPoll requests a poll. It reports whether the source has to be woken for that.
func (h *Handoff) wantPoll() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	wake := !h.wanted.poll
	h.wanted.poll, h.wanted.anything = true, true
	return wake
}

// wantFullSync requests a full sync.
func (h *Handoff) wantFullSync(wanted syncstate.Wanted) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted.fullSync = max(h.wanted.fullSync, wanted)
}

// TakeFullSync returns, once, when a full sync is wanted.
func (h *Handoff) TakeFullSync() syncstate.Wanted {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.wanted.fullSync
	h.wanted.fullSync = syncstate.NotWanted
	return was
}

// pause passes on a Retry-After of Studio.
func (h *Handoff) pause(until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until.After(h.wanted.pause) {
		h.wanted.pause, h.wanted.anything = until, true
	}
}

// overfills notes that more finished tasks are stored than history keeps.
func (h *Handoff) overfills() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted.overfull, h.wanted.anything = true, true
}

// Compares notes that a full sync looks for what its listing lacks. It does not find what is stored later.
func (h *Handoff) Compares() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.compared++
}

// comparisons counts the calls of Compares.
func (h *Handoff) comparisons() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.compared
}

// TakeOverfull reports, once, whether pushes have brought history over its limit.
func (h *Handoff) TakeOverfull() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.wanted.overfull
	h.wanted.overfull = false
	return was
}

// Settle applies, at the beginning of a step, what the questions request. polling: a poll is under way.
func (h *Handoff) Settle(schedule *syncstate.Schedule, polling bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted.anything = false
	if h.wanted.pause.After(now) {
		schedule.LeaveAlone(h.wanted.pause)
		h.retryAt = schedule.RetryAt
	}
	h.wanted.pause = time.Time{}
	if !polling && h.hasten(schedule, now) {
		h.wanted.poll, h.wanted.polling, h.wanted.polled = false, true, now
	}
}

// Publish sets, at the end of a step, what the questions need to know of it.
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

// hasten brings the next poll forward if one is wanted, and reports whether it may begin now. No poll may be under way. The caller
// holds the lock.
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

// Listed notes the projects of all tasks in a listing of every task.
func (h *Handoff) Listed(fingerprint string, projects map[string]struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fingerprint, h.projects = fingerprint, projects
}

// elsewhere reports whether no listed task is of this project. It is false if nothing is listed, or no listed task says its
// project.
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

// unlisted reports whether it is unknown that the project is the key's: no listed task has it, or nothing was listed with this key
// yet. A task without a project belongs to the user's default project, whichever that is.
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
