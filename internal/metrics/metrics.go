// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Source names a LivepeerTaskSource.
type Source = types.NamespacedName

// CountTasks yields how many tasks of a source are stored, by type and phase: those of KnownTypes and KnownPhases.
type CountTasks func(source Source, uid types.UID, yield func(kind, phase string, count int))

// Metrics are those of all sources. A source that is not followed has none. A nil *Metrics measures nothing.
//
// They are not vectors of Prometheus' library: the series of one source would take 12 KB there, more than all else that it holds at rest.
type Metrics struct {
	registry prometheus.Registerer
	tasks    CountTasks
	exported map[string]*exported // by name

	mu      sync.RWMutex
	sources map[Source]*followed
}

// exported is a metric of sources, and how it is described to Prometheus.
type exported struct {
	Definition
	desc *prometheus.Desc
}

// values returns those of the metric's labels.
func (e *exported) values(source Source, of series) []string {
	return []string{source.Namespace, source.Name, of.first, of.second}[:len(e.Labels)]
}

// finishedPhases are those that end a task.
var finishedPhases = [...]string{v1alpha1.PhaseCompleted, v1alpha1.PhaseFailed, v1alpha1.PhaseCancelled}

// State is what a source was like at the end of its last turn.
type State struct {
	UID types.UID
	// Reason of the Ready condition; empty before the first turn has ended.
	Reason         string
	Ready, Stalled bool
	// Suspended sources are not polled, so that the rest does not matter.
	Suspended              bool
	PolledAt, FullSyncAt   time.Time // zero where there was none
	Interval, FullInterval time.Duration
	// StalledTasks counts the tasks that Studio has not updated for longer than spec.stallAfter.
	StalledTasks int
}

// New makes the metrics of sources, whose tasks are counted when they are asked for. They are exported to registry once
// Start is called.
func New(registry prometheus.Registerer, tasks CountTasks) *Metrics {
	m := &Metrics{registry: registry, tasks: tasks, exported: map[string]*exported{}, sources: map[Source]*followed{}}
	for _, definition := range Definitions() {
		if slices.Contains(definition.Labels, LabelSource) {
			m.exported[definition.Name] = &exported{definition, NewDesc(definition.Name)}
		}
	}
	return m
}

// Start exports the metrics until ctx ends. A manager calls it in the replica that leads: the others follow no source. Where
// a process has several managers, as tests do, those of the first are exported.
func (m *Metrics) Start(ctx context.Context) error {
	err := m.registry.Register(m)
	if _, already := errors.AsType[prometheus.AlreadyRegisteredError](err); already {
		return nil
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	m.registry.Unregister(m)
	return nil
}

// Follow begins to measure a source. Its counters begin with 0, so that the first increment shows as a change.
func (m *Metrics) Follow(source Source) {
	if m == nil || m.of(source) != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sources[source] == nil { // else somebody else was first
		m.sources[source] = m.newFollowed()
	}
}

// Forget removes all series of a source. Later counts for it are ignored.
func (m *Metrics) Forget(source Source) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sources, source)
}

// of returns the source if it is followed, or nil.
func (m *Metrics) of(source Source) *followed {
	if m == nil {
		return nil
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.sources[source]
}
