// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
)

// confirmStep takes Studio's answers about missing tasks, and begins to delete those that are gone. Further questions go on meanwhile,
// and during polls.
func (s *syncer) confirmStep(ctx context.Context) error {
	missing, due := &s.State.full.missing, s.due()
	missing.ask()
	if err := s.waitDeleted(maxBatches-1, due); err != nil || len(s.deletions) >= maxBatches {
		return err
	}
	answer, ok, err := missing.asking.Next(ctx, due)
	if !ok {
		return err
	}
	var said verdicts
	for ; ok; answer, ok = missing.asking.Come() {
		s.hear(&said, &answer)
	}
	if len(said.again) > 0 { // entries may be thousands: copy them only if needed
		missing.entries = append(said.again, missing.entries...)
	}
	missing.entries = append(missing.entries, said.later...)
	s.launchDeletions(ctx, said.gone)
	return s.flush(ctx, said.failed)
}

// verdicts are what follows from some answers.
type verdicts struct {
	gone         []plan.Action
	again, later []mirror.Entry // to be asked for again: before all others, and after them
	failed       error
}

// ask asks for as many missing tasks as there is room for.
func (m *missing) ask() {
	for ; len(m.entries) > 0 && m.asking.Room(); m.entries = m.entries[1:] {
		m.asked[m.entries[0].ID] = m.entries[0]
		m.asking.Ask(m.entries[0].ID)
	}
}

// hear takes in an answer. A task may be deleted only if the API says that it is gone, and no listing or poll has shown it since.
func (s *syncer) hear(said *verdicts, answer *recheck.Result) {
	full := s.State.full
	entry, ok := full.missing.asked[answer.ID]
	delete(full.missing.asked, answer.ID)
	if !answer.NotAsked && answer.Verdict != plan.Fail {
		s.Monitor.Heard()
	}
	switch {
	case !ok:
	case answer.NotAsked:
		said.again = append(said.again, entry)
	case answer.Verdict == plan.Fail:
		said.again, said.failed = append(said.again, entry), cmp.Or(said.failed, answer.Err)
	case answer.Verdict == plan.Write:
		s.State.pending = append(s.State.pending, answer.Observation)
	case answer.Verdict == plan.AskLater:
		if full.missing.askLater(entry.ID) {
			said.later = append(said.later, entry)
		}
	case answer.Verdict != plan.Gone || full.knows(entry.ID):
	case !s.Index.Unchanged(&entry) || s.Rechecks.Asks(entry.ID): // changed since it was asked for, or about to be
		full.missing.kept = true
	case entry.UpdatedAt < full.since:
		full.missing.unlisted = true // this listing did not go back that far
	case answer.Answer == plan.Elsewhere && !full.missing.confirmed:
		full.missing.elsewhere = append(full.missing.elsewhere, entry)
	default:
		scope := s.bounds().Unlimited()
		said.gone = append(said.gone, plan.Deletion(&scope, &entry)...)
	}
}

// confirmed reports whether somebody has confirmed the deletion that a token stands for.
func (s *syncer) confirmed(token string) bool {
	return s.Source.Annotations[v1alpha1.AnnotationConfirmPrune] == token
}

// elsewhereStep keeps the tasks that are another project's now, or deletes them if somebody has confirmed that.
func (s *syncer) elsewhereStep(ctx context.Context) {
	full := s.State.full
	kept := slices.DeleteFunc(full.missing.elsewhere, func(entry mirror.Entry) bool {
		changes := !s.Index.Unchanged(&entry) || s.Rechecks.Asks(entry.ID)
		full.missing.kept = full.missing.kept || changes
		return changes || full.knows(entry.ID)
	})
	full.missing.elsewhere = nil
	hold := &syncstate.Paused{Missing: len(kept), Total: full.before.stored, Elsewhere: true, Token: syncstate.TokenFor(kept)}
	switch {
	case len(kept) == 0:
	case !s.confirmed(hold.Token):
		s.State.Health.Paused = hold
	default:
		scope := s.bounds().Unlimited()
		gone := make([]plan.Action, 0, len(kept))
		for i := range kept {
			gone = append(gone, plan.Deletion(&scope, &kept[i])...)
		}
		s.launchDeletions(ctx, gone)
	}
}

// launchDeletions begins to delete what is gone.
func (s *syncer) launchDeletions(ctx context.Context, gone []plan.Action) {
	if len(gone) > 0 {
		f := &batch{plan: plan.Result{Actions: gone}}
		s.deletions = append(s.deletions, f)
		s.write(ctx, f, s.bounds().Unlimited())
	}
}

// waitDeleted waits until at most rest batches of deletions are under way, or due fires. For what was not deleted, a full sync comes soon.
func (s *syncer) waitDeleted(rest int, due <-chan time.Time) (failed error) {
	for len(s.deletions) > rest && s.written(s.deletions[0], due) {
		f := s.deletions[0]
		cut(&s.deletions, 1)
		if full := s.State.full; full != nil {
			full.missing.kept = full.missing.kept || s.keptOf(f.plan.Actions)
		}
		failed = cmp.Or(failed, f.err)
	}
	return failed
}

// stopAsking takes back questions that were not sent yet: between steps, Studio is not asked for missing tasks.
func (s *syncer) stopAsking() {
	if full := s.State.full; full != nil {
		full.missing.asking.Stop()
	}
}

// keptOf reports whether one of these objects still exists, though the API server has not refused to delete it.
func (s *syncer) keptOf(gone []plan.Action) bool {
	lookup := s.Index.Lookup(s.Source.Namespace)
	return slices.ContainsFunc(gone, func(action plan.Action) bool {
		entry, stored := lookup(action.Stored.Name)
		_, refused := s.State.Health.Rejected[action.Stored.ID]
		return stored && entry.UID == action.Stored.UID && !refused
	})
}

// askAll asks for tasks by ID, several at once, until all are answered, one fails, or a poll is due.
func (s *syncer) askAll(ctx context.Context, why plan.Why, ids []string) (map[string]recheck.Result, error) {
	return s.Rechecks.AskAll(ctx, &recheck.Batch{
		Why: why, IDs: ids, Connection: s.Connection, Until: s.due(), Heard: s.Monitor.Heard,
	})
}

// askLater reports whether a missing task that Studio can't read is to be asked for again, after all others: only after the
// first time.
func (m *missing) askLater(id string) bool {
	if _, again := m.unanswered[id]; again {
		m.unanswered[id] = true
		return false
	}
	m.unanswered[id] = false
	return true
}
