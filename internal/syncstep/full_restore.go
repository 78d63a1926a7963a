// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// restore repairs edited tasks that the listing lacked, so that no observation repairs them: tasks that name the source and
// have no owner, as when an earlier source was deleted and its tasks were not; and tasks with another source's label or another
// ID, if the true one can be told. From then on they are like all others: if the next listing lacks them, they may be deleted.
func (s *syncer) restore(ctx context.Context) error {
	scope := s.scope() // first: the index is locked while its entries are iterated
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
	return s.flush(ctx, nil)
}

// trueIDs returns the IDs that edited tasks were created with. It asks Studio for the IDs that an object's name may stand for. If Studio
// has one of these tasks, that is written, which repairs the object; if all are gone, the ID is the name. Otherwise the ID is empty.
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
