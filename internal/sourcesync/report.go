// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"time"

	"k8s.io/utils/ptr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/syncstep"
)

// Outcome is what the Ready condition of a source says, and when the next attempt is.
type Outcome = syncstate.Outcome

// Report is how a step of a source has ended, for its status.
type Report struct {
	// Ended: a step has ended. Otherwise nothing but Silent is set.
	Ended bool
	// Generation of the source that the step worked on.
	Generation int64
	// Judged: the Ready condition is to say Outcome. Otherwise it stays as it is.
	Judged  bool
	Outcome Outcome

	Omitted int32
	// SyncedGeneration and MirroredBefore are what the status says under these names.
	SyncedGeneration     int64
	MirroredBefore       *int32
	PolledAt, FullSyncAt time.Time
	// Handled is the value of the annotation that the last full sync answered.
	Handled string
	// Behind: not all that was read is stored yet.
	Behind bool

	// Silent, if not nil, says that the API has not answered for long.
	Silent *condition.Error
}

// report says how a step has ended. failure is nil where it has not failed.
func (s *Source) report(source *v1alpha1.LivepeerTaskSource, state *syncstep.State, judged bool, failure *Outcome) Report {
	coverage := &state.Coverage
	report := Report{
		Ended: true, Generation: source.Generation, Judged: judged, Outcome: state.Judge(source, s.stored(source), failure),
		Omitted: state.Retention.Omitted, PolledAt: state.Schedule.PolledAt, FullSyncAt: coverage.FullAt,
		Handled: coverage.Handled, SyncedGeneration: coverage.Generation, Behind: state.Behind(),
	}
	if coverage.Changed {
		report.MirroredBefore = ptr.To(int32(coverage.StoredBefore)) //nolint:gosec // A count of tasks of one account.
	}
	return report
}

// Unchanged is a report that leaves in the status what only a step can tell.
func Unchanged(source *v1alpha1.LivepeerTaskSource, outcome Outcome) Report {
	status := &source.Status
	return Report{
		Ended: true, Generation: source.Generation, Judged: true, Outcome: outcome, Omitted: status.Tasks.Omitted,
		SyncedGeneration: status.SyncedGeneration, MirroredBefore: status.MirroredBefore,
	}
}
