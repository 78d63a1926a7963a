// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"
	"math"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

const (
	// missedIntervals is the number of intervals without an answer after which a source reports that.
	missedIntervals = 3
	// longestInterval keeps the product of both from overflowing: the schema permits 160 years.
	longestInterval = math.MaxInt64 / (missedIntervals + 1)
)

// lookAfter sets the source's alarm, in place of an earlier one. The caller holds the lock.
func (s *Source) lookAfter(pause time.Duration) {
	if s.alarm != nil {
		s.alarm.Stop()
	}
	if !s.forgotten && !s.engine.over() {
		s.alarm = s.engine.Clock.AfterFunc(pause, s.look)
	}
}

// look is called when the alarm rings. It starts the step that is due, without a reconcile, and wakes the source if the API is silent.
func (s *Source) look() {
	now := s.engine.Clock.Now()
	s.mu.Lock()
	if s.forgotten || s.ended != nil {
		s.mu.Unlock()
		return
	}
	if s.step == nil && (s.state.Wait(now) <= 0 || s.rechecks.Handoff.Waiting()) {
		s.start(s.spec)
	}
	silent, after := s.next(now)
	if silent == nil {
		s.lookAfter(after)
	}
	s.mu.Unlock()
	if silent != nil {
		s.Wake()
	}
}

// next returns after how long to look at the source again, and what to report if its API is silent. The caller holds the lock.
func (s *Source) next(now time.Time) (silent *condition.Error, after time.Duration) {
	if s.step == nil { // a step alone touches the state
		return nil, max(s.state.Wait(now), time.Millisecond)
	}
	interval := min(max(s.spec.Spec.Interval.Duration, time.Second), longestInterval)
	patience := missedIntervals * interval
	if s.writing.Load() {
		return nil, patience
	}
	answered := time.Unix(0, s.answered.Load())
	// Not counted: the time before the last report, which said how it went, and before this step, when nobody asked.
	silence := min(now.Sub(answered), now.Sub(s.told), now.Sub(s.step.began)+interval)
	if left := patience - silence; left > 0 {
		return nil, left
	}
	return &condition.Error{
		Reason: v1alpha1.ReasonUnavailable,
		Message: fmt.Sprintf("No answer of %s since %s, which is more than %d intervals. A request ends after spec.timeout (%s); at most "+
			"%d are under way at once for all sources of a namespace",
			s.spec.Spec.URL, answered.UTC().Format(time.RFC3339), missedIntervals, s.spec.Spec.Timeout.Duration, namespaceListings),
	}, patience
}
