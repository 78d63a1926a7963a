// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
)

// usage is what the operator's process says about itself.
type usage struct {
	memory, cpu float64
	limit       float64 // of memory, as the garbage collector knows it
}

// usage reads it from the metrics, as somebody who may.
func (e *suite) usage(ctx context.Context, scrape func(context.Context) (string, error)) (usage, error) {
	text, err := scrape(ctx)
	if err != nil {
		return usage{}, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return usage{}, err
	}
	return usage{
		memory: families["process_resident_memory_bytes"].GetMetric()[0].GetGauge().GetValue(),
		cpu:    families["process_cpu_seconds_total"].GetMetric()[0].GetCounter().GetValue(),
		limit:  families["go_gc_gomemlimit_bytes"].GetMetric()[0].GetGauge().GetValue(),
	}, nil
}

// With 10,000 tasks, or as many as E2E_TASKS says, the operator stays within the memory that its manifest gives it, from the
// first task to rest, and at rest within the CPU that its manifest asks for.
func TestManyTasks(t *testing.T) {
	e := begin(t)
	tasks := 10_000
	if set := os.Getenv("E2E_TASKS"); set != "" {
		var err error
		tasks, err = strconv.Atoi(set)
		e.g.Expect(err).NotTo(HaveOccurred())
	}
	// A minute for 10,000, where nothing else runs.
	within := 5*time.Minute + time.Duration(tasks)*time.Minute/5000
	e.operator(asDefault)
	a := e.account("large", tasks, "0.0001")
	pod := e.pods()[0]
	scrape := e.scraper(pod.Name)
	watched := e.watchMemory(scrape)
	began := time.Now()
	a.sourceWithoutWaiting()
	a.set(fmt.Sprintf(`"history": {"maxTasks": %d}`, tasks)) // which is 10,000 otherwise
	a.g.Eventually(a.reason, within, 2*time.Second).Should(Equal("Synced"))
	t.Logf("%d tasks mirrored in %v", tasks, time.Since(began).Round(time.Second))
	a.connect()
	a.caughtUp(within, 10*time.Second)
	peak := watched() // which ends the scraping: that is no rest

	resources := pod.Spec.Containers[0].Resources
	before, err := e.usage(t.Context(), scrape)
	a.g.Expect(err).NotTo(HaveOccurred())
	from := time.Now()
	rest := time.NewTimer(30 * time.Second) // three polls
	defer rest.Stop()
	<-rest.C
	after, err := e.usage(t.Context(), scrape)
	a.g.Expect(err).NotTo(HaveOccurred())
	cores := (after.cpu - before.cpu) / time.Since(from).Seconds()
	t.Logf("peak of memory %.0f MiB, CPU of the first sync %.1f s, at rest %.4f cores", peak/(1<<20), before.cpu, cores)
	a.g.Expect(after.limit).To(BeNumerically("~", 0.9*resources.Limits.Memory().AsApproximateFloat64(), 1<<20), "of the garbage collector")
	a.g.Expect(peak).To(BeNumerically("<", resources.Limits.Memory().AsApproximateFloat64()))
	a.g.Expect(cores).To(BeNumerically("<", resources.Requests.Cpu().AsApproximateFloat64()), "what the manifest asks for")
	if limit, limited := resources.Limits[corev1.ResourceCPU]; limited {
		a.g.Expect(cores).To(BeNumerically("<", limit.AsApproximateFloat64()))
	}
	a.g.Expect(e.pods()).To(HaveLen(1))
	a.g.Expect(e.pods()[0].Name).To(Equal(pod.Name))
	a.g.Expect(e.restarts(pod.Name)).To(BeZero(), "its memory was too little")
}

// watchMemory scrapes each second, until it is asked for the most memory that the operator had.
func (e *suite) watchMemory(scrape func(context.Context) (string, error)) (peak func() float64) {
	ctx, end := context.WithCancel(e.t.Context())
	e.t.Cleanup(end)
	most := make(chan float64, 1)
	go func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		memory := 0.0
		for {
			select {
			case <-ctx.Done():
				most <- memory
				return
			case <-ticker.C:
			}
			if now, err := e.usage(ctx, scrape); err == nil {
				memory = max(memory, now.memory)
			}
		}
	}()
	return func() float64 {
		end()
		return <-most
	}
}
