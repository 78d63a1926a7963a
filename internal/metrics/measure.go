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

// Report takes in how a source is now.
func (m *Metrics) Report(source Source, state *State) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.sources[source]; ok {
		known.State = *state
	}
}

// Polled notes a poll, or a full sync, that was carried through.
func (m *Metrics) Polled(source Source, kind string, took time.Duration) {
	m.of(source, func(*followed) {
		m.polls.WithLabelValues(source.Namespace, source.Name, kind, Success).Inc()
		m.took.WithLabelValues(source.Namespace, source.Name, kind).Observe(took.Seconds())
	})
}

// Failed notes one that could not be gone on with, and the reason that the source's condition gives.
func (m *Metrics) Failed(source Source, kind, reason string) {
	m.of(source, func(*followed) { m.polls.WithLabelValues(source.Namespace, source.Name, kind, reason).Inc() })
}

// Requested notes a request to Studio.
func (m *Metrics) Requested(source Source, result string) {
	m.of(source, func(*followed) { m.requests.WithLabelValues(source.Namespace, source.Name, result).Inc() })
}

// LeftOut notes elements of a list that are no tasks, or have no usable ID.
func (m *Metrics) LeftOut(source Source, elements int) {
	m.of(source, func(*followed) { m.unusable.WithLabelValues(source.Namespace, source.Name).Add(float64(elements)) })
}

// Write is a LivepeerTask that was written.
type Write struct {
	Verb string
	// Type and Phase are those of the task now, and Before is its phase before.
	Type, Phase, Before string
	// UpdatedAt is Studio's time of the last update, and UpdatedBefore the one before that was mirrored; zero where there is none.
	UpdatedAt, UpdatedBefore time.Time
}

// Wrote notes a write. Of a task that was not mirrored before, it matters when it was updated: the first sync, or wider
// limits, bring what is long past.
func (m *Metrics) Wrote(source Source, write *Write, now time.Time) {
	m.of(source, func(known *followed) {
		m.writes.WithLabelValues(source.Namespace, source.Name, write.Verb).Inc()
		changed := !write.UpdatedBefore.IsZero() && write.UpdatedAt.After(write.UpdatedBefore)
		fresh := write.Verb == Create && !known.FullSyncAt.IsZero() && write.UpdatedAt.After(known.FullSyncAt)
		if changed {
			lag := max(0, now.Sub(write.UpdatedAt)) // clocks differ
			m.lag.WithLabelValues(source.Namespace, source.Name).Observe(lag.Seconds())
		}
		if phase := slices.Index(finishedPhases[:], write.Phase); phase >= 0 && (fresh || changed && write.Phase != write.Before) {
			kind := slices.Index(KnownTypes(), bounded(write.Type, KnownTypes()))
			known.finished[kind][phase].Add(1)
		}
	})
}
