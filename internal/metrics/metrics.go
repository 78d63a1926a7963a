// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
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
type Metrics struct {
	registry prometheus.Registerer
	tasks    CountTasks

	polls, requests, unusable, writes *prometheus.CounterVec
	took, lag                         *prometheus.HistogramVec
	collected                         map[string]*prometheus.Desc

	// mu is held while something is counted, so that no series of a source comes back once it is forgotten.
	mu      sync.RWMutex
	sources map[Source]*followed
}

// followed is a source that is measured.
type followed struct {
	State

	// finished counts by type and phase, as KnownTypes and finishedPhases name them. In a vector, these series would take 14 KB of
	// memory for each source, more than all that it holds otherwise.
	finished [Types][len(finishedPhases)]atomic.Uint64
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
	m := &Metrics{
		registry: registry, tasks: tasks,
		polls: NewCounter(Polls), requests: NewCounter(Requests), writes: NewCounter(Writes), unusable: NewCounter(Unusable),
		took: NewHistogram(PollDuration), lag: NewHistogram(MirrorLag),
		collected: map[string]*prometheus.Desc{}, sources: map[Source]*followed{},
	}
	for _, name := range []string{
		Tasks, StalledTasks, TasksFinished, SourceReady, SourceStalled, LastPoll, PollInterval, LastFullSync, FullInterval,
	} {
		m.collected[name] = NewDesc(name)
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

// Follow begins to measure a source. What can be counted of it begins with 0, so that the first one shows as a change.
func (m *Metrics) Follow(source Source) {
	if m == nil || m.follows(source) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources[source] = &followed{}
	for _, kind := range []string{KindPoll, KindFull} {
		m.polls.WithLabelValues(source.Namespace, source.Name, kind, Success)
		m.took.WithLabelValues(source.Namespace, source.Name, kind)
	}
	for _, verb := range []string{Create, Update, UpdateStatus, Delete} {
		m.writes.WithLabelValues(source.Namespace, source.Name, verb)
	}
	m.requests.WithLabelValues(source.Namespace, source.Name, Success)
	m.unusable.WithLabelValues(source.Namespace, source.Name)
	m.lag.WithLabelValues(source.Namespace, source.Name)
}

// Forget takes all series of a source away.
func (m *Metrics) Forget(source Source) {
	if m == nil || !m.follows(source) { // to look through all series takes long, and others wait meanwhile
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sources, source)
	labels := prometheus.Labels{LabelNamespace: source.Namespace, LabelSource: source.Name}
	for _, vector := range []*prometheus.CounterVec{m.polls, m.requests, m.unusable, m.writes} {
		vector.DeletePartialMatch(labels)
	}
	m.took.DeletePartialMatch(labels)
	m.lag.DeletePartialMatch(labels)
}

func (m *Metrics) follows(source Source) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.sources[source]
	return ok
}

// of measures something of a source that is followed.
func (m *Metrics) of(source Source, measure func(*followed)) {
	if m == nil {
		return
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if known, ok := m.sources[source]; ok {
		measure(known)
	}
}
