// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// resultDelivered is the result of an event that its sink accepted; otherwise the result is the kind of the error.
const resultDelivered = "delivered"

// Why transitions are dropped that were not sent.
const (
	becauseFull    = "full"    // too many of one task wait
	becauseOff     = "off"     // the source has no sink any more
	becauseDeleted = "deleted" // the task was, counted once however many waited
)

// Metrics count what becomes of CloudEvents.
type Metrics struct {
	sent    *prometheus.CounterVec
	dropped *prometheus.CounterVec
	delay   *prometheus.HistogramVec
}

// NewMetrics registers the metrics, or takes those that are registered. waiting counts the tasks that have something to
// be sent.
func NewMetrics(registry prometheus.Registerer, waiting func() int) (*Metrics, error) {
	m := &Metrics{}
	var errs [4]error
	m.sent, errs[0] = metrics.Register(registry, metrics.NewCounter(metrics.CloudEventsSent))
	m.dropped, errs[1] = metrics.Register(registry, metrics.NewCounter(metrics.CloudEventsDropped))
	m.delay, errs[2] = metrics.Register(registry, metrics.NewHistogram(metrics.CloudEventsDelay))
	pending := metrics.NewGauge(metrics.CloudEventsPending, func() float64 { return float64(waiting()) })
	_, errs[3] = metrics.Register(registry, pending)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	for _, kind := range []Kind{resultDelivered, Unavailable, Denied, Refused, Unusable} {
		m.sent.WithLabelValues(resultOf(kind))
	}
	m.delay.WithLabelValues()
	for _, because := range []string{becauseFull, becauseOff, becauseDeleted} {
		m.dropped.WithLabelValues(because)
	}
	return m, nil
}

func resultOf(kind Kind) string { return strings.ToLower(string(kind)) }

// attempted counts an attempt. One that the end of the operator cuts off does not count.
func (m *Metrics) attempted(transition *v1alpha1.Transition, err error, now time.Time) {
	trouble, theirs := errors.AsType[*Error](err)
	switch {
	case theirs:
		m.sent.WithLabelValues(resultOf(trouble.Kind)).Inc()
	case err == nil:
		m.sent.WithLabelValues(resultDelivered).Inc()
		if transition.UpdatedAt != nil {
			m.delay.WithLabelValues().Observe(max(0, now.Sub(transition.UpdatedAt.Time).Seconds()))
		}
	}
}

// Wrote counts the transitions that a write has dropped.
func (m *Metrics) Wrote(change *taskstore.Change) {
	because := becauseFull
	if change.Stored == nil {
		because = becauseDeleted
	}
	m.drop(because, change.Lost)
}

// drop counts transitions that will not be sent.
func (m *Metrics) drop(because string, transitions int) {
	if transitions > 0 {
		m.dropped.WithLabelValues(because).Add(float64(transitions))
	}
}
