// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"slices"
	"time"
)

// Values of LabelVerb.
const (
	Create       = "create"
	Update       = "update"
	UpdateStatus = "update_status"
	Delete       = "delete"
)

// Report takes in the present state of a source.
func (m *Metrics) Report(source Source, state *State) {
	if known := m.of(source); known != nil {
		known.mu.Lock()
		defer known.mu.Unlock()
		known.state = *state
	}
}

// Polled notes a completed poll or full sync.
func (m *Metrics) Polled(source Source, kind string, took time.Duration) {
	if known := m.of(source); known != nil {
		known.mu.Lock()
		defer known.mu.Unlock()
		known.counts[series{Polls, kind, Success}]++
		known.spread[series{PollDuration, kind, ""}].observe(took)
	}
}

// Failed notes a failed step of a poll or full sync, with the reason of the source's condition.
func (m *Metrics) Failed(source Source, kind, reason string) {
	m.of(source).add(series{Polls, kind, reason}, 1)
}

// Requested notes a request to Studio.
func (m *Metrics) Requested(source Source, result string) {
	m.of(source).add(series{Requests, result, ""}, 1)
}

// LeftOut notes elements of a list that are no tasks, or have no usable ID.
func (m *Metrics) LeftOut(source Source, elements int) {
	m.of(source).add(series{Unusable, "", ""}, elements)
}

// Write is a LivepeerTask that was written.
type Write struct {
	Verb string
	// Type and Phase are those of the task now, and Before is its phase before.
	Type, Phase, Before string
	// UpdatedAt is Studio's time of the last update, and UpdatedBefore that of the update mirrored before; zero if there is none.
	UpdatedAt, UpdatedBefore time.Time
}

// Wrote notes a write. For a task that was not mirrored before, the time of its update matters: a first sync, or wider limits,
// bring old tasks.
func (m *Metrics) Wrote(source Source, write *Write, now time.Time) {
	known := m.of(source)
	if known == nil {
		return
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	known.counts[series{Writes, write.Verb, ""}]++
	changed := !write.UpdatedBefore.IsZero() && write.UpdatedAt.After(write.UpdatedBefore)
	fullSyncAt := known.state.FullSyncAt
	fresh := write.Verb == Create && !fullSyncAt.IsZero() && write.UpdatedAt.After(fullSyncAt)
	if changed {
		known.spread[series{MirrorLag, "", ""}].observe(max(0, now.Sub(write.UpdatedAt))) // clocks differ
	}
	if phase := slices.Index(finishedPhases[:], write.Phase); phase >= 0 && (fresh || changed && write.Phase != write.Before) {
		kind := slices.Index(KnownTypes(), bounded(write.Type, KnownTypes()))
		known.finished[kind][phase]++
	}
}
