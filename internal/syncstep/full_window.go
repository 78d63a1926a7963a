// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// listEvery is how long full syncs may make do with what history keeps, before one lists every task again.
	listEvery = 24 * time.Hour
	// maxOlder bounds the tasks that such a sync asks for one by one.
	maxOlder = 500
)

// window says how far back a full sync has to list, in milliseconds since 1970; 0 means every task. Where history keeps
// only the latest of many finished tasks, nothing has to be learnt of those before: a task that changes is listed anew
// by its update, and the older ones that are mirrored all the same, since they are not finished, are asked for by ID. That
// takes a listing of every task before: it alone finds unfinished tasks that nobody knows of.
func (s *syncer) window(now time.Time) int64 {
	state := s.state
	if state.Coverage.Listed.IsZero() || state.Coverage.Newest == 0 || now.Sub(state.Coverage.Listed) >= listEvery ||
		state.Health.NeedsListing() {
		return 0
	}
	// Finished tasks before either are not mirrored, and none is mirrored anew.
	since := max(s.scope().Oldest.UpdatedAt, s.scope().OldestNew.UpdatedAt)
	since = min(since, state.Watermark.Newest())
	older := 0
	for entry := range s.Index.Entries(taskstore.SourceIDOf(s.source)) {
		if entry.UpdatedAt < since {
			older++
		}
	}
	if older > maxOlder {
		return 0
	}
	return max(0, since)
}
