// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// confirmBatch bounds the tasks that are asked for by ID in one step.
const confirmBatch = 20

// confirmStep asks for some missing tasks by ID. Only one that the API then says is gone is deleted.
func (s *syncer) confirmStep(ctx context.Context) error {
	full := s.state.full
	var gone []mirror.Action
	var failed error
	for range min(confirmBatch, len(full.missing)) {
		entry := full.missing[0]
		full.missing = full.missing[1:]
		observation, err := s.ask(ctx, entry.ID)
		if err != nil {
			failed = s.unanswered(&entry, err)
			break
		}
		switch {
		case observation == nil:
		case observation.Deleted && !s.index.Unchanged(&entry): // it is not what was asked for any more
		case observation.Deleted && entry.UpdatedAt < full.since:
			full.unlisted = true // no listing lacked it yet
		case observation.Deleted:
			gone = append(gone, mirror.Gone(s.scope(), &entry)...)
		default:
			s.state.pending = append(s.state.pending, observation)
		}
	}
	if err := s.apply(ctx, s.scope(), gone); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return s.flush(ctx)
}

// unanswered decides what becomes of a missing task that could not be asked for: it is asked for again, after all others
// where the API itself failed, as it does for a single task that it can't read. The second time, that one is left alone.
func (s *syncer) unanswered(entry *mirror.Entry, err error) error {
	full := s.state.full
	var api *studio.Error
	if !errors.As(err, &api) || api.Status != http.StatusInternalServerError {
		full.missing = slices.Insert(full.missing, 0, *entry)
		return err
	}
	if _, again := full.unanswered[entry.ID]; again {
		full.unanswered[entry.ID] = true
		return nil
	}
	full.unanswered[entry.ID] = false
	full.missing = append(full.missing, *entry)
	return err
}

// unreadable counts the tasks that the API can't read.
func (f *fullSync) unreadable() int {
	n := f.pass.Unreadable()
	given := 0
	for _, up := range f.unanswered {
		if up {
			given++
		}
	}
	return max(n, given) // what is mirrored is missing from the list for the same reason
}

// ask gets one task that a complete listing lacked. The answer is nil where nothing follows from it.
func (s *syncer) ask(ctx context.Context, id string) (*mirror.Observation, error) {
	task, err := s.session.client.Get(ctx, id)
	var api *studio.Error
	switch {
	case errors.As(err, &api) && api.Kind == studio.NotFound:
		return &mirror.Observation{ID: id, Deleted: true}, nil
	case errors.As(err, &api) && api.Kind == studio.Forbidden:
		return nil, nil // another user's, or a restricted key: not an answer to whether the task exists
	case err != nil:
		return nil, err
	case task.Deleted:
		return &mirror.Observation{ID: id, Deleted: true}, nil
	}
	observation, err := mirror.Convert(task.Raw, s.session.redactor)
	if err != nil || observation.ID != id {
		return nil, nil //nolint:nilerr // An answer about no task, or another one, says nothing about this one.
	}
	return observation, nil
}
