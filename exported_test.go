// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/monitoring"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// checkQueries: alert rules and dashboard ask only for what is exported.
func checkQueries(g Gomega, exported map[string][]string) {
	queries, err := monitoring.Queries(".")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(queries)).To(BeNumerically(">", 20))
	for where, query := range queries {
		g.Expect(monitoring.Unknown(query, exported)).To(BeEmpty(), "%s: %s", where, query)
	}
}

// series is one value, with its labels; of a histogram, how often something was observed.
type series struct {
	name   string
	labels map[string]string
	value  float64
}

// scraped is what was exported at one moment.
type scraped []series

// scrape reads the metrics; nothing where there is no answer.
func scrape(ctx context.Context, url string) scraped {
	answer := get(ctx, nil, url, "")
	if answer.status != http.StatusOK {
		return nil
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(answer.body))
	if err != nil {
		return nil
	}
	var all scraped
	for name, family := range families {
		for _, metric := range family.Metric {
			labels := map[string]string{}
			for _, label := range metric.Label {
				labels[label.GetName()] = label.GetValue()
			}
			value := metric.Gauge.GetValue() + metric.Counter.GetValue() + float64(metric.Histogram.GetSampleCount())
			all = append(all, series{name, labels, value})
		}
	}
	return all
}

// of picks what belongs to a source.
func (s scraped) of(source *v1alpha1.LivepeerTaskSource) scraped {
	return slices.DeleteFunc(slices.Clone(s), func(one series) bool {
		return one.labels[metrics.LabelNamespace] != source.Namespace || one.labels[metrics.LabelSource] != source.Name
	})
}

// sum adds a metric up, where a label has this value; an empty label means everywhere.
func (s scraped) sum(name, label, value string) float64 {
	sum := 0.0
	for _, one := range s {
		if one.name == name && (label == "" || one.labels[label] == value) {
			sum += one.value
		}
	}
	return sum
}

// names are those of the exported metrics, with their labels in order.
func (s scraped) names() map[string][]string {
	names := map[string][]string{}
	for _, one := range s {
		labels := slices.AppendSeq(names[one.name], maps.Keys(one.labels))
		slices.Sort(labels)
		names[one.name] = slices.Compact(labels)
	}
	return names
}

// ours are the metrics that internal/metrics must define.
func (s scraped) ours() map[string][]string {
	names := s.names()
	maps.DeleteFunc(names, func(name string, _ []string) bool { return !strings.HasPrefix(name, metrics.Prefix) })
	return names
}

// defined are those that it does.
func defined() map[string][]string {
	names := map[string][]string{}
	for _, d := range metrics.Definitions() {
		labels := slices.Clone(d.Labels)
		slices.Sort(labels)
		names[d.Name] = labels
	}
	return names
}

// testExported: a running operator exports what internal/metrics defines, with these labels and no other; with values that
// tell what has happened; and what a source leaves behind is nothing.
func (b *bench) testExported(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	studio.Populate(30, 1)
	server := httptest.NewServer(studio)
	t.Cleanup(server.Close)
	source := b.source(t, server.URL+"/api", livepeertest.APIKey)
	address := freeAddress(t)
	t.Setenv("POD_NAMESPACE", systemNamespace)
	_, stop := b.start(t, "--leader-elect", "--metrics-secure=false", "--metrics-bind-address="+address, "--receiver-bind-address=127.0.0.1:0")
	defer stop()
	now := func() scraped { return scrape(t.Context(), "http://"+address+"/metrics").of(source) }
	g.Eventually(func() float64 {
		return now().sum(metrics.SourceReady, metrics.LabelReason, v1alpha1.ReasonSynced)
	}, soon).Should(BeEquivalentTo(1))
	g.Expect(now().sum(metrics.Tasks, "", "")).To(BeEquivalentTo(30))
	g.Expect(now().sum(metrics.Writes, metrics.LabelVerb, metrics.Create)).To(BeEquivalentTo(30))
	g.Expect(now().sum(metrics.MirrorLag, "", "")).To(BeZero(), "a first sync says nothing of the lag")
	g.Expect(now().sum(metrics.TasksFinished, "", "")).To(BeZero())

	studio.Update(studio.IDs()[0], func(task livepeertest.Task) {
		task["type"], task["status"] = "clip", map[string]any{"phase": "failed", "updatedAt": time.Now().UnixMilli()}
	})
	g.Eventually(func() float64 { return now().sum(metrics.MirrorLag, "", "") }, soon).Should(BeEquivalentTo(1))
	g.Expect(now().sum(metrics.Polls, metrics.LabelKind, metrics.KindPoll)).To(BeNumerically(">", 0))
	g.Expect(now().sum(metrics.PollDuration, metrics.LabelKind, metrics.KindFull)).To(BeEquivalentTo(1))
	age := time.Since(time.UnixMilli(int64(1000 * now().sum(metrics.LastPoll, "", ""))))
	g.Expect(age).To(BeNumerically("<", soon))
	all := scrape(t.Context(), "http://"+address+"/metrics")
	g.Expect(all.ours()).To(Equal(defined()), "what is defined is exported, also before it was counted, and nothing else")
	checkQueries(g, all.names())

	studio.RemoveKey(livepeertest.APIKey)
	g.Eventually(func() float64 {
		return now().sum(metrics.SourceStalled, metrics.LabelReason, v1alpha1.ReasonUnauthorized)
	}, soon).Should(BeEquivalentTo(1))
	g.Expect(now().sum(metrics.Requests, metrics.LabelResult, "Unauthorized")).To(BeNumerically(">", 0))
	g.Expect(now().sum(metrics.Polls, metrics.LabelResult, v1alpha1.ReasonUnauthorized)).To(BeNumerically(">", 0))

	g.Expect(b.client.Delete(t.Context(), source)).To(Succeed())
	g.Eventually(now, soon).Should(BeEmpty())
	g.Consistently(now, 2*time.Second).Should(BeEmpty(), "it comes back")
}
