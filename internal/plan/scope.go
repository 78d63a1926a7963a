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

// Bounds tell what of a source is mirrored, by what is stored.
type Bounds struct {
	Source *v1alpha1.LivepeerTaskSource
	Stored Stored
	Now    time.Time
	// Cutoff is that of retention: history must not bring back what is older.
	Cutoff mirror.Stamp
	// NotifyAfter: of new tasks, those that changed later are worth a notification.
	NotifyAfter int64
}

// Scope says what is in scope, once the observed tasks are stored as well.
func (b *Bounds) Scope(observed []*mirror.Observation) Scope {
	scope := b.Unlimited()
	scope.Oldest, scope.OldestNew = b.Oldest(observed), b.oldestNew()
	return scope
}

// Unlimited says the same without the limits of history.
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

// maxOlder bounds the tasks that a full sync asks for one by one because it did not list every task.
const maxOlder = 500

// Since says how far back a full sync has to list where an earlier one has listed every task, in milliseconds since 1970; 0 means every
// task. Where history keeps only the latest of many finished tasks, nothing has to be learnt of those before: a task that changes is
// listed anew by its update, newest being the latest that is known, and the older ones that are mirrored all the same, since they are not
// finished, are asked for by ID.
func (s *Scope) Since(newest int64, stored iter.Seq[*mirror.Entry]) int64 {
	// Finished tasks before either are not mirrored, and none is mirrored anew.
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
	var stamps []mirror.Stamp
	if b.Stored.Finished+len(observed) > MaxTasks(b.Source.Spec.History) {
		stamps = finishedStamps(b.Stored.Entries, observed)
	}
	return Oldest(stamps, b.Source.Spec.History, b.Now)
}

// oldestNew returns the oldest finished task that is mirrored anew: none that history has pruned before, and, where
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
