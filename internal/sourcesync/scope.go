// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"iter"
	"math"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// scopes tell what of a source is mirrored, by what is stored.
type scopes struct {
	source *v1alpha1.LivepeerTaskSource
	index  *taskstore.Index
	now    time.Time
	// floor: history must not bring back what is older. news: of new tasks, those that changed later are news.
	floor mirror.Stamp
	news  int64
}

// scope says what is in scope, once the observed tasks are stored as well.
func (s *scopes) scope(observed []*mirror.Observation) plan.Scope {
	scope := s.unlimited()
	scope.Oldest, scope.OldestNew = s.oldest(observed), s.oldestNew()
	return scope
}

// unlimited says the same without the limits of history.
func (s *scopes) unlimited() plan.Scope {
	return plan.Scope{
		Namespace: s.source.Namespace,
		Source:    s.source.Name,
		SourceUID: s.source.UID,
		Types:     s.source.Spec.Types,
		Notify:    s.source.SendsEvents(),
		NewsAfter: s.news,

		StalledBefore: plan.StalledBefore(s.source.Spec.StallAfter, s.now),
	}
}

// oldest returns the oldest finished task that history keeps, once the observed ones are stored as well.
func (s *scopes) oldest(observed []*mirror.Observation) mirror.Stamp {
	history, id := s.source.Spec.History, taskstore.SourceIDOf(s.source)
	var stamps []mirror.Stamp
	if s.index.Finished(id)+len(observed) > plan.MaxTasks(history) {
		stamps = finishedStamps(s.index.Entries(id), observed)
	}
	return plan.Oldest(stamps, history, s.now)
}

// oldestNew returns the oldest finished task that is mirrored anew: none that history has pruned before, and, where
// history is full, none that is older than all that are kept.
func (s *scopes) oldestNew() mirror.Stamp {
	limit := plan.MaxTasks(s.source.Spec.History)
	switch {
	case limit == 0:
		return mirror.Stamp{UpdatedAt: math.MaxInt64}
	case s.index.Finished(taskstore.SourceIDOf(s.source)) < limit:
		return s.floor
	}
	if oldest := oldestFinished(s.index.Entries(taskstore.SourceIDOf(s.source))); oldest.Compare(s.floor) > 0 {
		return oldest
	}
	return s.floor
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
