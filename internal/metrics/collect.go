// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var _ prometheus.Collector = &Metrics{}

// Describe names all metrics of sources.
func (m *Metrics) Describe(descs chan<- *prometheus.Desc) {
	for _, collector := range m.counted() {
		collector.Describe(descs)
	}
	for _, desc := range m.collected {
		descs <- desc
	}
}

// Collect reports all metrics of sources as they are now.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	for _, collector := range m.counted() {
		collector.Collect(metrics)
	}
	for _, of := range m.snapshot() {
		source, known := of.source, of.followed
		report := func(name string, kind prometheus.ValueType, value float64, labels ...string) {
			labels = append([]string{source.Namespace, source.Name}, labels...)
			metrics <- prometheus.MustNewConstMetric(m.collected[name], kind, value, labels...)
		}
		for i, kind := range KnownTypes() {
			for j, phase := range finishedPhases {
				report(TasksFinished, prometheus.CounterValue, float64(known.finished[i][j].Load()), kind, phase)
			}
		}
		m.collect(source, &of.state, func(name string, value float64, labels ...string) {
			report(name, prometheus.GaugeValue, value, labels...)
		})
	}
}

// measured is a source as it is while the metrics are reported.
type measured struct {
	*followed

	source Source
	state  State
}

// snapshot returns all sources as they are now. To report them takes a second where there are thousands, in which all that is counted
// would wait.
func (m *Metrics) snapshot() []measured {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make([]measured, 0, len(m.sources))
	for source, known := range m.sources {
		all = append(all, measured{known, source, known.State})
	}
	return all
}

func (m *Metrics) counted() []prometheus.Collector {
	return []prometheus.Collector{m.polls, m.requests, m.unusable, m.writes, m.took, m.lag}
}

// collect reports the gauges of one source.
func (m *Metrics) collect(source Source, state *State, gauge func(name string, value float64, labels ...string)) {
	if state.Reason == "" {
		return
	}
	m.tasks(source, state.UID, func(kind, phase string, count int) { gauge(Tasks, float64(count), kind, phase) })
	gauge(SourceReady, oneIf(state.Ready), state.Reason)
	gauge(SourceStalled, oneIf(state.Stalled), state.Reason)
	if state.Suspended {
		return
	}
	gauge(StalledTasks, float64(state.StalledTasks))
	gauge(PollInterval, state.Interval.Seconds())
	gauge(FullInterval, state.FullInterval.Seconds())
	if !state.PolledAt.IsZero() {
		gauge(LastPoll, seconds(state.PolledAt))
	}
	if !state.FullSyncAt.IsZero() {
		gauge(LastFullSync, seconds(state.FullSyncAt))
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// seconds since 1970.
func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }
