// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"
	"slices"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
)

// confirmBatch bounds the missing tasks that one step asks for.
const confirmBatch = 100

// confirmStep asks for some missing tasks by ID. Only one that the API then says is gone is deleted.
func (s *syncer) confirmStep(ctx context.Context) error {
	full := s.state.full
	some := full.missing.entries[:min(confirmBatch, len(full.missing.entries))]
	ids := make([]string, len(some))
	for i := range some {
		ids[i] = some[i].ID
	}
	answers, failed := s.askAll(ctx, plan.Missing, ids)
	rest := full.missing.entries[len(some):]
	var again, later []mirror.Entry
	var gone []plan.Action
	for i := range some {
		entry := &some[i]
		answer, ok := answers[entry.ID]
		switch {
		case !ok || answer.Verdict == plan.Fail:
			again = append(again, *entry)
		case answer.Verdict == plan.Write:
			s.state.pending = append(s.state.pending, answer.Observation)
		case answer.Verdict == plan.AskLater:
			if full.missing.askLater(entry.ID) {
				later = append(later, *entry)
			}
		case answer.Verdict != plan.Gone:
		case !s.Index.Unchanged(entry): // it is not what was asked for any more
			full.missing.kept = true
		case entry.UpdatedAt < full.since:
			full.missing.unlisted = true // no listing lacked it yet
		default:
			gone = append(gone, plan.Deletion(s.scope(), entry)...)
		}
	}
	full.missing.entries = append(append(again, rest...), later...)
	if err := s.apply(ctx, s.scope(), gone); err != nil {
		return err
	}
	full.missing.kept = full.missing.kept || s.keptOf(gone)
	if failed != nil {
		return failed
	}
	return s.flush(ctx)
}

// keptOf reports whether one of these objects is still there, though the API server has not refused to delete it.
func (s *syncer) keptOf(gone []plan.Action) bool {
	lookup := s.Index.Lookup(s.source.Namespace)
	return slices.ContainsFunc(gone, func(action plan.Action) bool {
		entry, stored := lookup(action.Stored.Name)
		_, refused := s.state.Health.Rejected[action.Stored.ID]
		return stored && entry.UID == action.Stored.UID && !refused
	})
}

// askAll asks for tasks by ID, several at once, until all are answered, one fails, or a poll is due.
func (s *syncer) askAll(ctx context.Context, why plan.Why, ids []string) (map[string]recheck.Result, error) {
	return s.rechecks.AskAll(ctx, &recheck.Batch{
		Why: why, IDs: ids, Connection: s.connection, Until: s.due(), Heard: s.monitor.Heard,
	})
}

// askLater reports whether a missing task that Studio can't read is to be asked for again, after all others. The second time,
// it is left alone.
func (m *missing) askLater(id string) bool {
	if _, again := m.unanswered[id]; again {
		m.unanswered[id] = true
		return false
	}
	m.unanswered[id] = false
	return true
}
