// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/metrics"
)

// soon bounds what takes a moment, on a machine that is busy.
const soon = 4 * time.Minute

var (
	noon  = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	main  = metrics.Source{Namespace: "media", Name: "main"}
	other = metrics.Source{Namespace: "media", Name: "other"}
)

func noTasks(metrics.Source, types.UID, func(kind, phase string, count int)) {}

// names lists what a registry exports, and for which source if any.
func names(g Gomega, registry prometheus.Gatherer, source string) map[string]int {
	families, err := registry.Gather()
	g.Expect(err).NotTo(HaveOccurred())
	found := map[string]int{}
	for _, family := range families {
		for _, metric := range family.Metric {
			for _, label := range metric.Label {
				if label.GetName() == metrics.LabelSource && label.GetValue() == source {
					found[family.GetName()]++
				}
			}
		}
	}
	return found
}

// A source that is deleted takes its series away, and what was under way for it does not bring them back.
func TestForgottenSourceHasNoSeries(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, func(_ metrics.Source, _ types.UID, yield func(kind, phase string, count int)) {
		yield("clip", "failed", 3)
	})
	registry.MustRegister(m)
	use := func(source metrics.Source) {
		m.Report(source, &metrics.State{Reason: "Synced", Ready: true, PolledAt: noon, FullSyncAt: noon})
		m.Polled(source, metrics.KindPoll, time.Second)
		m.Failed(source, metrics.KindFull, "Unavailable")
		m.Requested(source, "RateLimited")
		m.LeftOut(source, 1)
		m.Wrote(source, &metrics.Write{Verb: metrics.UpdateStatus, UpdatedAt: noon, UpdatedBefore: noon.Add(-1)}, noon)
	}
	for _, source := range []metrics.Source{main, other} {
		m.Follow(source)
		use(source)
	}
	before := names(g, registry, "other")
	g.Expect(before).To(HaveKey(metrics.Tasks))
	g.Expect(names(g, registry, "main")).To(Equal(before))

	m.Forget(main)
	use(main)
	g.Expect(names(g, registry, "main")).To(BeEmpty())
	g.Expect(names(g, registry, "other")).To(HaveLen(len(before)))
}

// A suspended source is not polled, and no age of its last poll says otherwise.
func TestSuspendedSourceHasNoAge(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, noTasks)
	registry.MustRegister(m)
	m.Follow(main)
	m.Report(main, &metrics.State{Reason: "Suspended", Suspended: true, PolledAt: noon, FullSyncAt: noon, Interval: time.Second})
	found := names(g, registry, "main")
	g.Expect(found).To(HaveKey(metrics.SourceReady))
	for _, name := range []string{metrics.LastPoll, metrics.LastFullSync, metrics.PollInterval, metrics.FullInterval} {
		g.Expect(found).NotTo(HaveKey(name))
	}
}

// Only what happened while a source was followed says anything of the lag, and of tasks that end.
func TestWrites(t *testing.T) {
	hour := noon.Add(-time.Hour)
	cases := map[string]struct {
		write          metrics.Write
		lags, finished int
	}{
		"new in a first sync": {metrics.Write{Verb: metrics.Create, Phase: "failed", UpdatedAt: hour.Add(-time.Hour)}, 0, 0},
		"old, and new here":   {metrics.Write{Verb: metrics.Create, Phase: "failed", UpdatedAt: hour.Add(-time.Hour)}, 0, 0},
		"new since then":      {metrics.Write{Verb: metrics.Create, Phase: "failed", UpdatedAt: noon}, 0, 1},
		"new and running":     {metrics.Write{Verb: metrics.Create, Phase: "running", UpdatedAt: noon}, 0, 0},
		"ended": {metrics.Write{Verb: metrics.UpdateStatus, Phase: "failed", Before: "running", UpdatedAt: noon.Add(-7 * time.Second),
			UpdatedBefore: hour}, 1, 1},
		"ended before":       {metrics.Write{Verb: metrics.UpdateStatus, Phase: "failed", Before: "failed", UpdatedAt: noon, UpdatedBefore: hour}, 1, 0},
		"put back":           {metrics.Write{Verb: metrics.Update, Phase: "failed", Before: "failed", UpdatedAt: noon, UpdatedBefore: noon}, 0, 0},
		"cut off in between": {metrics.Write{Verb: metrics.UpdateStatus, Phase: "failed", UpdatedAt: noon}, 0, 0},
		"deleted":            {metrics.Write{Verb: metrics.Delete, Before: "failed", UpdatedBefore: hour}, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			registry := prometheus.NewRegistry()
			m := metrics.New(registry, noTasks)
			registry.MustRegister(m)
			m.Follow(main)
			state := &metrics.State{Reason: "Synced", FullSyncAt: hour}
			if name == "new in a first sync" {
				state.FullSyncAt = time.Time{}
			}
			m.Report(main, state)
			m.Wrote(main, &c.write, noon)
			lags, finished, writes := 0, 0.0, 0.0
			families, err := registry.Gather()
			g.Expect(err).NotTo(HaveOccurred())
			for _, family := range families {
				for _, metric := range family.Metric {
					switch family.GetName() {
					case metrics.MirrorLag:
						lags += int(metric.Histogram.GetSampleCount())
						g.Expect(metric.Histogram.GetSampleSum()).To(BeElementOf(0.0, 7.0))
					case metrics.TasksFinished:
						finished += metric.Counter.GetValue()
					case metrics.Writes:
						writes += metric.Counter.GetValue()
					}
				}
			}
			g.Expect(lags).To(Equal(c.lags), "lags")
			g.Expect(finished).To(BeNumerically("==", c.finished), "finished")
			g.Expect(writes).To(BeNumerically("==", 1))
		})
	}
}

// TestValues: each metric of a source says what its name says.
func TestValues(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, func(_ metrics.Source, uid types.UID, yield func(kind, phase string, count int)) {
		g.Expect(uid).To(BeEquivalentTo("uid"))
		yield("clip", "failed", 3)
	})
	registry.MustRegister(m)
	m.Follow(main)
	m.Report(main, &metrics.State{
		UID: "uid", Reason: "Unauthorized", Stalled: true, PolledAt: noon, FullSyncAt: noon.Add(-time.Minute - time.Millisecond),
		Interval: 10 * time.Second, FullInterval: time.Hour, StalledTasks: 4,
	})
	for range 2 {
		m.Follow(main) // each reconcile does
		m.Failed(main, metrics.KindPoll, "Unauthorized")
		m.Requested(main, "Unauthorized")
		m.LeftOut(main, 5)
	}
	m.Wrote(main, &metrics.Write{Verb: metrics.Create, Type: "clip", Phase: "cancelled", UpdatedAt: noon}, noon)
	m.Wrote(main, &metrics.Write{Verb: metrics.UpdateStatus, Phase: "running", UpdatedAt: noon.Add(time.Hour), UpdatedBefore: noon}, noon)
	var all []string
	for _, d := range metrics.Definitions() {
		all = append(all, d.Name)
	}
	text, err := testutil.CollectAndFormat(registry, expfmt.TypeTextPlain, all...)
	g.Expect(err).NotTo(HaveOccurred())
	short := strings.NewReplacer(metrics.Prefix, "", `{namespace="media",source="main"}`, "", `namespace="media",`, "", `,source="main"`, "",
		`source="main",`, "")
	var values []string
	for line := range strings.Lines(short.Replace(string(text))) {
		if !strings.HasPrefix(line, "#") && !strings.HasSuffix(line, " 0\n") && !strings.Contains(line, "_bucket") {
			values = append(values, strings.TrimSpace(line))
		}
	}
	g.Expect(values).To(ConsistOf(
		`tasks{phase="failed",type="clip"} 3`, `source_stalled{reason="Unauthorized"} 1`, `stalled_tasks 4`,
		`poll_interval_seconds 10`, `full_sync_interval_seconds 3600`, `last_poll_timestamp_seconds 1.7673552e+09`,
		`last_full_sync_timestamp_seconds 1.767355139999e+09`, `polls_total{kind="poll",result="Unauthorized"} 2`,
		`api_requests_total{result="Unauthorized"} 2`, `unusable_elements_total 10`, `writes_total{verb="create"} 1`,
		`writes_total{verb="update_status"} 1`, `tasks_finished_total{phase="cancelled",type="clip"} 1`, `mirror_lag_seconds_count 1`,
	))
	m.Report(main, &metrics.State{UID: "uid", Reason: "Synced", Ready: true})
	g.Expect(testutil.CollectAndFormat(registry, expfmt.TypeTextPlain, metrics.SourceReady)).To(ContainSubstring(`reason="Synced",source="main"} 1`))
}

// However many types Studio makes up, they are one series.
func TestTypesAreBounded(t *testing.T) {
	g := NewWithT(t)
	m := metrics.New(prometheus.NewRegistry(), noTasks)
	m.Follow(main)
	m.Report(main, &metrics.State{Reason: "Synced", FullSyncAt: noon})
	before := testutil.CollectAndCount(m, metrics.TasksFinished)
	for _, kind := range []string{"dub", "subtitle", ""} {
		m.Wrote(main, &metrics.Write{Verb: metrics.Create, Type: kind, Phase: "completed", UpdatedAt: noon.Add(1)}, noon)
	}
	g.Expect(testutil.CollectAndCount(m, metrics.TasksFinished)).To(Equal(before))
}

// TestHistogramsAreThoseOfTheLibrary: buckets and their upper bounds, what is beyond the last, count and sum.
func TestHistogramsAreThoseOfTheLibrary(t *testing.T) {
	g := NewWithT(t)
	m := metrics.New(prometheus.NewRegistry(), noTasks)
	m.Follow(main)
	library := metrics.NewHistogram(metrics.PollDuration)
	all := library.WithLabelValues(main.Namespace, main.Name, metrics.KindPoll)
	library.WithLabelValues(main.Namespace, main.Name, metrics.KindFull)
	for _, took := range []time.Duration{0, 1, 50 * time.Millisecond, 51 * time.Millisecond, time.Second, time.Hour, time.Hour + 1, 48 * time.Hour} {
		m.Polled(main, metrics.KindPoll, took)
		all.Observe(took.Seconds())
	}
	registry, expected := prometheus.NewRegistry(), prometheus.NewRegistry()
	registry.MustRegister(m)
	expected.MustRegister(library)
	text, err := testutil.CollectAndFormat(expected, expfmt.TypeTextPlain, metrics.PollDuration)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(testutil.GatherAndCompare(registry, bytes.NewReader(text), metrics.PollDuration)).To(Succeed())
}

// Several managers in one process, one after the other or at once, are no trouble.
func TestSeveralManagers(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewRegistry()
	start := func(source metrics.Source) (stop func()) {
		m := metrics.New(registry, noTasks)
		m.Follow(source)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Start(ctx) }()
		return func() {
			cancel()
			g.Eventually(ended, soon).Should(Receive(BeNil()))
		}
	}
	stop := start(main)
	g.Eventually(func() map[string]int { return names(g, registry, "main") }, soon).ShouldNot(BeEmpty())
	start(other)() // comes and goes
	g.Expect(names(g, registry, "main")).NotTo(BeEmpty())
	g.Expect(names(g, registry, "other")).To(BeEmpty())
	stop()
	g.Expect(names(g, registry, "main")).To(BeEmpty())
	stop = start(other)
	g.Eventually(func() map[string]int { return names(g, registry, "other") }, soon).ShouldNot(BeEmpty())
	stop()
}

// TestDefinitions: names and units are as Prometheus wants them, all that is exported is defined, and of a source all that is defined is
// exported from the start.
func TestDefinitions(t *testing.T) {
	g := NewWithT(t)
	m := metrics.New(prometheus.NewRegistry(), func(_ metrics.Source, _ types.UID, yield func(kind, phase string, count int)) {
		yield("clip", "failed", 3)
	})
	m.Follow(main)
	m.Report(main, &metrics.State{Reason: "Synced", PolledAt: noon, FullSyncAt: noon})
	problems, err := testutil.CollectAndLint(m)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(problems).To(BeEmpty())
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	exported, seen := names(g, registry, main.Name), map[string]bool{}
	for _, d := range metrics.Definitions() {
		if slices.Contains(d.Labels, metrics.LabelSource) {
			g.Expect(exported).To(HaveKey(d.Name), "%s: newFollowed is to begin it with 0, or collect to report it", d.Name)
		}
		g.Expect(d.Name).To(HavePrefix(metrics.Prefix))
		g.Expect(seen).NotTo(HaveKey(d.Name))
		seen[d.Name] = true
		g.Expect(strings.HasSuffix(d.Name, "_total")).To(Equal(d.Type == metrics.Counter), d.Name)
		g.Expect(d.Buckets != nil).To(Equal(d.Type == metrics.Histogram), d.Name)
		g.Expect(d.Help).To(HaveSuffix("."))
	}
}

// TestCountingGoesOnWhileMetricsAreRead: of thousands of sources that takes long, and who reads may be slow.
func TestCountingGoesOnWhileMetricsAreRead(t *testing.T) {
	g := NewWithT(t)
	m := metrics.New(prometheus.NewRegistry(), noTasks)
	m.Follow(main)
	m.Report(main, &metrics.State{Reason: "Synced", Ready: true, PolledAt: noon, FullSyncAt: noon})
	read := make(chan prometheus.Metric)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.Collect(read)
	}()
	for !strings.Contains((<-read).Desc().String(), metrics.TasksFinished) { // those of the counters come first
	}
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		m.Report(main, &metrics.State{Reason: "Synced"})
		m.Polled(main, metrics.KindPoll, time.Second)
	}()
	g.Eventually(counted, soon).Should(BeClosed())
	for {
		select {
		case <-read:
			continue
		case <-ended:
		}
		return
	}
}
