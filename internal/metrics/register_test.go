// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/livepeer/livepeer-task-operator/internal/metrics"
)

// TestRegisteredTwice: a second manager in a process counts in what is exported; another kind of metric of that name is an error.
func TestRegisteredTwice(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 {
		counter, err := metrics.Register(registry, metrics.NewCounter(metrics.EventsDropped))
		if err != nil {
			t.Fatal(err)
		}
		counter.WithLabelValues().Inc()
	}
	if n, err := testutil.GatherAndCount(registry, metrics.EventsDropped); n != 1 || err != nil {
		t.Errorf("%d series: %v", n, err)
	}
	families, err := registry.Gather()
	if err != nil || families[0].Metric[0].Counter.GetValue() != 2 {
		t.Errorf("%v: %v", families, err)
	}
	same := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: metrics.EventsDropped, Help: "x"}, nil)
	if _, err := metrics.Register(registry, same); err == nil {
		t.Error("a gauge is registered in a counter's place")
	}
}
