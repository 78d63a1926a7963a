// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// restore puts right what people edited of tasks that the listing lacked, so that no observation did: tasks that name the source and
// have no owner, as where an earlier source was deleted and its tasks were not; and tasks with another source's label or another
// ID, where that can be told. From then on they are like all others, and may be missing from the next listing.
func (s *syncer) restore(ctx context.Context) error {
	scope := s.scope() // the index must not be used while its entries are looked at
	var edited []mirror.Entry
	take := func(entry *mirror.Entry) {
		if entry.Sequence <= s.State.full.before.changes && !entry.Deleting {
			edited = append(edited, *entry)
		}
	}
	for entry := range s.Index.Entries(taskstore.SourceID{Namespace: s.Source.Namespace}) {
		if entry.OwnerName == s.Source.Name {
			take(entry)
		}
	}
	for entry := range s.Index.Entries(taskstore.SourceIDOf(s.Source)) {
		if s.State.full.since == 0 && !plan.CanBeMissing(scope, entry) {
			take(entry)
		}
	}
	ids, err := s.trueIDs(ctx, edited)
	if err != nil {
		return err
	}
	for i := range edited {
		if err := s.Writer.Restore(ctx, scope, &edited[i], ids[i]); err != nil {
			return err
		}
	}
	return s.flush(ctx)
}

// trueIDs finds out which IDs edited tasks were made with: the name, where Studio knows none that it may stand for. One that it
// knows is observed, and so put right. Where it says anything else, or the name does not tell, the ID is empty.
func (s *syncer) trueIDs(ctx context.Context, edited []mirror.Entry) (ids []string, err error) {
	var possible []string
	for i := range edited {
		possible = append(possible, edited[i].PossibleIDs()...)
	}
	answers, err := s.askAll(ctx, plan.Missing, possible)
	ids = make([]string, len(edited))
	for i := range edited {
		gone := 0
		for _, id := range edited[i].PossibleIDs() {
			switch answer := answers[id]; answer.Verdict {
			case plan.Write:
				s.State.pending = append(s.State.pending, answer.Observation)
			case plan.Gone:
				gone++
			}
		}
		if gone > 0 && gone == len(edited[i].PossibleIDs()) {
			ids[i] = edited[i].Name
		}
	}
	return ids, err
}
