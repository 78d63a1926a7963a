// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var _ prometheus.Collector = &Metrics{}

// Describe names all metrics of sources.
func (m *Metrics) Describe(descs chan<- *prometheus.Desc) {
	for _, metric := range m.exported {
		descs <- metric.desc
	}
}

// Collect reports all metrics of sources as they are now.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	m.mu.RLock()
	sources := maps.Clone(m.sources)
	m.mu.RUnlock()
	for source, known := range sources {
		for _, metric := range m.counted(source, known) {
			metrics <- metric
		}
	}
}

// counted returns the series of a source. They are exported after the lock is released: with thousands of sources, that takes a second, for
// which all counting would wait.
func (m *Metrics) counted(source Source, known *followed) []prometheus.Metric {
	known.mu.Lock()
	state := known.state
	var all []prometheus.Metric
	report := func(of series, value float64) { all = append(all, m.constant(source, of, value)) }
	for of, count := range known.counts {
		report(of, float64(count))
	}
	for of, histogram := range known.spread {
		metric := m.exported[of.name]
		count, upTo := histogram.cumulative()
		all = append(all, prometheus.MustNewConstHistogram(metric.desc, count, histogram.sum, upTo, metric.values(source, of)...))
	}
	for i, kind := range KnownTypes() {
		for j, phase := range finishedPhases {
			report(series{TasksFinished, kind, phase}, float64(known.finished[i][j]))
		}
	}
	known.mu.Unlock()
	m.collect(source, &state, report)
	return all
}

func (m *Metrics) constant(source Source, of series, value float64) prometheus.Metric {
	metric := m.exported[of.name]
	kind := prometheus.GaugeValue
	if metric.Type == Counter {
		kind = prometheus.CounterValue
	}
	return prometheus.MustNewConstMetric(metric.desc, kind, value, metric.values(source, of)...)
}

// collect reports the gauges of one source.
func (m *Metrics) collect(source Source, state *State, report func(of series, value float64)) {
	if state.Reason == "" {
		return
	}
	m.tasks(source, state.UID, func(kind, phase string, count int) { report(series{Tasks, kind, phase}, float64(count)) })
	report(series{SourceReady, state.Reason, ""}, oneIf(state.Ready))
	report(series{SourceStalled, state.Reason, ""}, oneIf(state.Stalled))
	if state.Suspended {
		return
	}
	report(series{StalledTasks, "", ""}, float64(state.StalledTasks))
	report(series{PollInterval, "", ""}, state.Interval.Seconds())
	report(series{FullInterval, "", ""}, state.FullInterval.Seconds())
	if !state.PolledAt.IsZero() {
		report(series{LastPoll, "", ""}, seconds(state.PolledAt))
	}
	if !state.FullSyncAt.IsZero() {
		report(series{LastFullSync, "", ""}, seconds(state.FullSyncAt))
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
