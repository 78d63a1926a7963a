// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// soonShare is the pause before a full sync that is to come soon, as a multiple of the last one's duration. One comes soon while there are
// unreadable tasks of unknown ID, or objects that should have been deleted: only a full sync shows what has become of them.
const soonShare = 10

// Schedule says when a source is due.
type Schedule struct {
	NextPoll, NextFull time.Time
	took               time.Duration // by the last full sync
	// PolledAt is when the API last answered a poll.
	PolledAt time.Time
	// RetryAt ends the pause after a failure.
	RetryAt time.Time
	// fixed: RetryAt is from a Retry-After, and nothing may be earlier. asked is the outcome of that answer; empty if it was not the answer
	// to a step.
	fixed bool
	asked Outcome
	// failures counts the steps that failed in a row, and refused the full syncs in a row in which the API server refused tasks.
	failures, refused int
}

// Wait returns how long there is nothing to do; 0 or less if something is due. busy: something is under way.
func (s *Schedule) Wait(now time.Time, busy bool) time.Duration {
	switch pause := s.RetryAt.Sub(now); {
	case pause > 0:
		return pause
	case busy:
		return 0
	case s.NextFull.Before(s.NextPoll):
		return s.NextFull.Sub(now)
	}
	return s.NextPoll.Sub(now)
}

// Succeeded takes in a step that ended well.
func (s *Schedule) Succeeded() { s.failures, s.fixed = 0, false }

// Failed takes in a step that failed, and returns its outcome. The next attempt follows after a pause, and not before Retry-After.
func (s *Schedule) Failed(err error, interval time.Duration, now time.Time) Outcome {
	s.failures++
	outcome := OutcomeOf(err, s.failures, interval)
	if until := now.Add(outcome.Delay); !s.fixed || until.After(s.RetryAt) {
		s.RetryAt, s.fixed, s.asked = until, retryAfter(err) > 0, outcome
	}
	return outcome
}

// Asked returns the outcome of the answer whose Retry-After is not over yet; nil if there is none.
func (s *Schedule) Asked(now time.Time) *Outcome {
	if !s.fixed || s.asked.Reason == "" || !now.Before(s.RetryAt) {
		return nil
	}
	return &s.asked
}

// LeaveAlone puts everything off until then, the end of a Retry-After.
func (s *Schedule) LeaveAlone(until time.Time) {
	if until.After(s.RetryAt) {
		s.RetryAt, s.fixed, s.asked = until, true, Outcome{}
	}
}

// hurry ends a pause that the API did not ask for.
func (s *Schedule) hurry() {
	if !s.fixed {
		s.RetryAt, s.failures = time.Time{}, 0
	}
}

func (s *Schedule) polled(source *v1alpha1.LivepeerTaskSource, began, now time.Time) {
	s.PolledAt = now
	s.NextPoll = slot(source.UID, source.Spec.Interval.Duration, began, now)
}

func (s *Schedule) listed(source *v1alpha1.LivepeerTaskSource, began, now time.Time) {
	s.took = now.Sub(began)
	s.NextFull = slot(source.UID, source.Spec.ResyncInterval.Duration, now, now)
}

// want brings the next full sync forward.
func (s *Schedule) want(source *v1alpha1.LivepeerTaskSource, when Wanted, now time.Time) {
	next := now
	switch when {
	case NotWanted:
		return
	case WantedSoon:
		next = now.Add(s.soon(source))
	}
	s.fullBy(next)
}

// tryAgain brings the next full sync forward after one in which the API server refused tasks: somebody may change a quota or a policy. It
// comes soon at first, and each time after twice as long.
func (s *Schedule) tryAgain(source *v1alpha1.LivepeerTaskSource, now time.Time) {
	pause := s.soon(source)
	for n := s.refused; n > 0 && pause < source.Spec.ResyncInterval.Duration; n-- {
		pause *= 2
	}
	s.fullBy(now.Add(pause))
	s.refused++
}

// soon is how long it is until a full sync that is to come soon.
func (s *Schedule) soon(source *v1alpha1.LivepeerTaskSource) time.Duration {
	return max(soonShare*s.took, source.Spec.Interval.Duration)
}

func (s *Schedule) fullBy(latest time.Time) {
	if latest.Before(s.NextFull) {
		s.NextFull = latest
	}
}

// slot returns the next time to poll a source whose last poll began at began. Times are multiples of the interval, shifted by a phase
// made from the UID, so that sources that were created together are not polled together.
func slot(source types.UID, interval time.Duration, began, now time.Time) time.Time {
	interval = max(interval, time.Second)
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(source))                       // never fails
	phase := time.Duration(hash.Sum64() % uint64(interval)) //nolint:gosec // Less than interval.
	since := time.Duration(now.UnixNano()%int64(interval)) - phase
	wait := (interval - since%interval) % interval
	next := now.Add(wait)
	if next.Sub(began) < interval/10 {
		return next.Add(interval) // too soon after this poll: take the one after
	}
	return next
}
