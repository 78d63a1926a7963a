// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/notify"
)

// resultDelivered is the result of an event that its sink took; of others it is the kind of their error.
const resultDelivered = "delivered"

// notifyMetrics count what becomes of CloudEvents.
type notifyMetrics struct {
	sent    *prometheus.CounterVec
	dropped *prometheus.CounterVec
	delay   prometheus.Histogram
}

// newNotifyMetrics registers the metrics, or takes those that are registered. waiting counts the tasks that have something to
// be sent.
func newNotifyMetrics(registry prometheus.Registerer, waiting func() int) (*notifyMetrics, error) {
	m := &notifyMetrics{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "livepeer_task_operator_cloudevents_sent_total",
			Help: "Attempts to send a CloudEvent, by result: delivered, unavailable, denied, refused or unusable.",
		}, []string{"result"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "livepeer_task_operator_cloudevents_dropped_total",
			Help: "Phases that were not sent as CloudEvents and never will be, by reason: full (too many of one task waited), " +
				"off (spec.notify was removed) or deleted (the task was; counts tasks).",
		}, []string{"reason"}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "livepeer_task_operator_cloudevents_delay_seconds",
			Help:    "From the change of a task in Studio, by Studio's clock, until the sink had its CloudEvent.",
			Buckets: []float64{0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200},
		}),
	}
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "livepeer_task_operator_cloudevents_pending_tasks",
		Help: "Tasks that have phases still to be sent as CloudEvents.",
	}, func() float64 { return float64(waiting()) })
	var errs [4]error
	m.sent, errs[0] = registered(registry, m.sent)
	m.dropped, errs[1] = registered(registry, m.dropped)
	m.delay, errs[2] = registered(registry, m.delay)
	_, errs[3] = registered[prometheus.GaugeFunc](registry, gauge)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	for _, kind := range []notify.Kind{resultDelivered, notify.Unavailable, notify.Denied, notify.Refused, notify.Unusable} {
		m.sent.WithLabelValues(resultOf(kind))
	}
	for _, because := range []string{becauseFull, becauseOff, becauseDeleted} {
		m.dropped.WithLabelValues(because)
	}
	return m, nil
}

// registered registers a metric, or answers the one that is registered.
func registered[T prometheus.Collector](registry prometheus.Registerer, metric T) (T, error) {
	err := registry.Register(metric)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if known, same := already.ExistingCollector.(T); same {
			return known, nil
		}
	}
	return metric, err
}

func resultOf(kind notify.Kind) string { return strings.ToLower(string(kind)) }

// attempted counts an attempt.
func (m *notifyMetrics) attempted(transition *v1alpha1.Transition, err error, now time.Time) {
	trouble, theirs := errors.AsType[*notify.Error](err)
	switch {
	case theirs:
		m.sent.WithLabelValues(resultOf(trouble.Kind)).Inc()
	case err == nil:
		m.sent.WithLabelValues(resultDelivered).Inc()
		if transition.UpdatedAt != nil {
			m.delay.Observe(max(0, now.Sub(transition.UpdatedAt.Time).Seconds()))
		}
	case errors.Is(err, context.Canceled): // the operator stops
	}
}

// drop counts transitions that will not be sent.
func (m *notifyMetrics) drop(because string, transitions int) {
	if transitions > 0 {
		m.dropped.WithLabelValues(because).Add(float64(transitions))
	}
}
