// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// A task that was silent for almost stalling has stalled after another span. Neither passes while a test runs: clocks are put on.
const (
	stalling = time.Hour
	almost   = stalling - span/2
	span     = 40 * time.Minute
)

func stallAfter(spec *v1alpha1.LivepeerTaskSourceSpec) {
	spec.StallAfter = &metav1.Duration{Duration: stalling}
}

// silent makes a task that Studio has not updated for so long.
func (w *world) silent(id, phase string, since time.Duration) {
	w.t.Helper()
	at := time.Now().Add(-since).UnixMilli()
	w.studio.Put(livepeertest.Task{
		"id": id, "type": "upload", "createdAt": at, "status": map[string]any{"phase": phase, "updatedAt": at},
	})
}

// condition of a task, by type, as "status reason"; "" where there is none.
func (w *world) condition(id, kind string) func() string {
	return func() string {
		if condition := meta.FindStatusCondition(w.task(id).Status.Conditions, kind); condition != nil {
			return string(condition.Status) + " " + condition.Reason
		}
		return ""
	}
}

// TestStalledTasks: a task that Studio says nothing new of for too long is shown as stalled, with one write and one Event,
// until there is something new.
func TestStalledTasks(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	w.secret(livepeertest.APIKey)
	w.silent("long", "waiting", 2*stalling)
	w.silent("soon", "running", almost)
	for _, phase := range []string{"pending", "completed", "failed"} {
		w.silent(phase, phase, 2*stalling)
	}
	w.source("main", stallAfter)
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Expect(w.condition("long", "Stalled")()).To(Equal("True NoUpdate"))
	w.Expect(w.condition("soon", "Stalled")()).To(BeEmpty())

	w.clock.step(span)
	w.Eventually(w.condition("soon", "Stalled"), soon, tick).Should(Equal("True NoUpdate"))
	w.Expect(w.condition("soon", "Ready")()).To(Equal("False Running"))
	w.Expect(w.condition("soon", "Reconciling")()).To(BeEmpty())
	w.Expect(w.condition("pending", "Stalled")()).To(BeEmpty())
	w.Expect(w.condition("completed", "Stalled")()).To(BeEmpty())
	w.Expect(w.condition("failed", "Stalled")()).To(Equal("True Failed"))
	w.Eventually(func() int32 { return w.getSource("main").Status.Tasks.Stalled }, soon, tick).Should(BeEquivalentTo(2))
	w.Eventually(w.eventsOnTask("soon"), soon, tick).Should(ConsistOf(HavePrefix("Warning Stalled: Studio has not updated the task since ")))

	version := w.task("soon").ResourceVersion
	w.stop()
	w.startOperator()
	w.resync("main", "nothing is new")
	w.Consistently(func() string { return w.task("soon").ResourceVersion }, 3*time.Second, tick).Should(Equal(version))
	w.Expect(w.eventsOnTask("soon")()).To(HaveLen(1))

	w.becomes("soon", "running", map[string]any{"progress": 0.5})
	w.Eventually(w.condition("soon", "Stalled"), soon, tick).Should(BeEmpty())
	w.Expect(w.condition("soon", "Reconciling")()).To(Equal("True Running"))
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.StallAfter = nil })
	w.Eventually(w.condition("long", "Stalled"), soon, tick).Should(BeEmpty())
	w.Eventually(func() int32 { return w.getSource("main").Status.Tasks.Stalled }, soon, tick).Should(BeZero())
}

// TestAnOutageStallsNothing: what can't be asked for may well have been updated.
func TestAnOutageStallsNothing(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	w.secret(livepeertest.APIKey)
	w.silent("soon", "running", almost)
	w.source("main", stallAfter)
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.studio.Fault(answer(http.StatusServiceUnavailable, `{}`))
	w.eventuallyReady("main", v1alpha1.ReasonUnavailable)
	w.clock.step(span)
	w.studio.ResetRequests()
	w.Eventually(w.asked, soon, tick).Should(BeNumerically(">=", 2))
	w.Expect(w.condition("soon", "Stalled")()).To(BeEmpty())
	w.studio.Fault(nil)
	w.Eventually(w.condition("soon", "Stalled"), soon, tick).Should(Equal("True NoUpdate"))
}

// TestStallAfterIsChecked by the API server.
func TestStallAfterIsChecked(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	source := w.source("main", stallAfter)
	source.Spec.StallAfter.Duration = time.Minute - time.Second
	w.Expect(w.client.Update(w.ctx, source)).To(MatchError(ContainSubstring("stallAfter must be a duration of at least 1m")))
}

// TestStalledMetric: the number of stalled tasks is there for each source. It is that of one operator in a process, so that
// this test does not run beside others.
func TestStalledMetric(t *testing.T) {
	valuesOnly(t)
	w := newWorld(t)
	w.secret(livepeertest.APIKey)
	w.silent("long", "running", 2*stalling)
	w.source("main", stallAfter)
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Eventually(func() float64 { return w.gauge(metrics.Registry, "livepeer_task_operator_stalled_tasks") }, soon, tick).
		Should(BeEquivalentTo(1))
}

// gauge reads a metric of the source main; -1 where it is not there.
func (w *world) gauge(gatherer prometheus.Gatherer, name string) float64 {
	w.t.Helper()
	families, err := gatherer.Gather()
	w.Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if family.GetName() == name && labels["namespace"] == w.namespace && labels["source"] == "main" {
				return metric.GetGauge().GetValue()
			}
		}
	}
	return -1
}
