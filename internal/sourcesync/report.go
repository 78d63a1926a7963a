// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/syncstep"
)

// missedIntervals is after how many intervals without an answer a source says so.
const missedIntervals = 3

// Outcome is what the condition of a source says, and when the next attempt is.
type Outcome = syncstate.Outcome

// Report is how a step of a source has ended, for its status.
type Report struct {
	// Ended: a step has. Otherwise the rest says nothing, save Silent and Again.
	Ended bool
	// Judged: Outcome is what the Ready condition is to say. Otherwise it stays as it is.
	Judged  bool
	Outcome Outcome

	Omitted              int32
	PolledAt, FullSyncAt time.Time
	// Handled is the value of the annotation that the last full sync answered.
	Handled string
	// Behind: not all that was read is stored yet.
	Behind bool

	// Silent, where not nil, says that the API has not answered for long.
	Silent *condition.Error
	// Again is after how long the source should be synced again, at the latest.
	Again time.Duration
}

// underWay is what is to be said while a step is under way. The caller holds the lock.
func (s *Source) underWay(now time.Time) Report {
	since := time.Unix(0, s.answered.Load())
	patience := missedIntervals * max(s.spec.Spec.Interval.Duration, time.Second)
	if s.writing.Load() {
		return Report{Again: patience}
	}
	silence := min(now.Sub(since), now.Sub(s.told)) // a failure that was told of is not told in other words
	if left := patience - silence; left > 0 {
		return Report{Again: left}
	}
	return Report{Again: patience, Silent: &condition.Error{
		Reason: v1alpha1.ReasonUnavailable,
		Message: fmt.Sprintf("No answer of %s since %s, which is more than %d intervals. A request ends after spec.timeout (%s); at most "+
			"%d are under way at once for all sources of a namespace", s.spec.Spec.URL, since.UTC().Format(time.RFC3339), missedIntervals,
			s.spec.Spec.Timeout.Duration, namespaceListings),
	}}
}

// report says how a step has ended. failure is nil where it has not failed.
func (s *Source) report(source *v1alpha1.LivepeerTaskSource, state *syncstep.State, judged bool, failure *Outcome) Report {
	return Report{
		Ended: true, Judged: judged, Outcome: state.Judge(source, s.stored(source), failure),
		Omitted: state.Retention.Omitted, PolledAt: state.Schedule.PolledAt, FullSyncAt: state.Coverage.FullAt,
		Handled: state.Coverage.Handled, Behind: state.Behind(),
	}
}
