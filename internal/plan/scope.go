// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"iter"
	"math"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// Stored is what the cluster holds of one source.
type Stored struct {
	// Finished counts the tasks that have ended.
	Finished int
	Entries  iter.Seq[*mirror.Entry]
}

// Bounds are what a Scope is computed from: the source, and what is stored of it.
type Bounds struct {
	Source *v1alpha1.LivepeerTaskSource
	Stored Stored
	Now    time.Time
	// Cutoff is syncstate.Retention.Cutoff: history must not bring back finished tasks that are older.
	Cutoff mirror.Stamp
	// NotifyAfter: new tasks that changed later are worth a notification. See Scope.
	NotifyAfter int64
}

// Scope returns the scope that holds once the observed tasks are stored as well.
func (b *Bounds) Scope(observed []*mirror.Observation) Scope {
	scope := b.Unlimited()
	scope.Oldest, scope.OldestNew = b.Oldest(observed), b.oldestNew()
	return scope
}

// Unlimited returns the scope without the limits of history.
func (b *Bounds) Unlimited() Scope {
	return Scope{
		Namespace:   b.Source.Namespace,
		Source:      b.Source.Name,
		SourceUID:   b.Source.UID,
		Types:       b.Source.Spec.Types,
		Notify:      b.Source.SendsEvents(),
		NotifyAfter: b.NotifyAfter,

		StalledBefore: StalledBefore(b.Source.Spec.StallAfter, b.Now),
	}
}

// maxOlder bounds the tasks that a full sync asks for by ID because it does not list every task.
const maxOlder = 500

// Since returns from which update time on, in milliseconds since 1970, a full sync has to list after an earlier one has listed every
// task; 0 means every task. If history keeps only the latest of many finished tasks, those before need not be listed: a task that
// changes gets a later update time. newest is the latest one known. Older tasks that are mirrored because they are not finished are asked
// for by ID.
func (s *Scope) Since(newest int64, stored iter.Seq[*mirror.Entry]) int64 {
	// Finished tasks before Oldest are not mirrored, and those before OldestNew are not created.
	since := min(newest, max(s.Oldest.UpdatedAt, s.OldestNew.UpdatedAt))
	older := 0
	for entry := range stored {
		if entry.UpdatedAt < since {
			older++
		}
	}
	if older > maxOlder {
		return 0
	}
	return max(0, since)
}

// Oldest returns the oldest finished task that history keeps, once the observed ones are stored as well.
func (b *Bounds) Oldest(observed []*mirror.Observation) mirror.Stamp {
	return Oldest(b.finished(observed), b.Source.Spec.History, b.Now)
}

// OldestByCount is the same by the limit of their number alone. Only that one must not bring back what it has removed: the limit of age
// goes by the clock, which may have been ahead.
func (b *Bounds) OldestByCount() mirror.Stamp {
	return oldestByCount(b.finished(nil), b.Source.Spec.History)
}

// finished lists the finished tasks, once the observed ones are stored as well; none if there are fewer than history keeps.
func (b *Bounds) finished(observed []*mirror.Observation) []mirror.Stamp {
	if b.Stored.Finished+len(observed) <= MaxTasks(b.Source.Spec.History) {
		return nil
	}
	return finishedStamps(b.Stored.Entries, observed)
}

// oldestNew returns the oldest finished task that may be created: none that history has pruned before, and, if
// history is full, none that is older than all that are kept.
func (b *Bounds) oldestNew() mirror.Stamp {
	limit := MaxTasks(b.Source.Spec.History)
	switch {
	case limit == 0:
		return mirror.Stamp{UpdatedAt: math.MaxInt64}
	case b.Stored.Finished < limit:
		return b.Cutoff
	}
	if oldest := OldestFinished(b.Stored.Entries); oldest.Compare(b.Cutoff) > 0 {
		return oldest
	}
	return b.Cutoff
}

// OldestFinished returns the stamp of the oldest finished task.
func OldestFinished(entries iter.Seq[*mirror.Entry]) mirror.Stamp {
	var oldest mirror.Stamp
	for entry := range entries {
		if !entry.Finished() {
			continue
		}
		if stamp := entry.Stamp(); oldest.ID == "" || stamp.Compare(oldest) < 0 {
			oldest = stamp
		}
	}
	return oldest
}

// finishedStamps lists the finished tasks among the stored and the observed ones, each once. An observed task replaces
// the stored one.
func finishedStamps(stored iter.Seq[*mirror.Entry], observed []*mirror.Observation) []mirror.Stamp {
	seen := make(map[string]*mirror.Observation, len(observed))
	for _, observation := range observed {
		seen[observation.ID] = observation
	}
	var stamps []mirror.Stamp
	for entry := range stored {
		if _, again := seen[entry.ID]; entry.Finished() && !again {
			stamps = append(stamps, entry.Stamp())
		}
	}
	for _, observation := range seen {
		if v1alpha1.IsFinishedPhase(observation.Status.Phase) {
			stamps = append(stamps, mirror.StampOf(observation))
		}
	}
	return stamps
}
