// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Prefix of all names.
const Prefix = "livepeer_task_operator_"

// Names of metrics.
const (
	Tasks         = Prefix + "tasks"
	StalledTasks  = Prefix + "stalled_tasks"
	TasksFinished = Prefix + "tasks_finished_total"
	Polls         = Prefix + "polls_total"
	PollDuration  = Prefix + "poll_duration_seconds"
	PollInterval  = Prefix + "poll_interval_seconds"
	LastPoll      = Prefix + "last_poll_timestamp_seconds"
	FullInterval  = Prefix + "full_sync_interval_seconds"
	LastFullSync  = Prefix + "last_full_sync_timestamp_seconds"
	SourceReady   = Prefix + "source_ready"
	SourceStalled = Prefix + "source_stalled"
	MirrorLag     = Prefix + "mirror_lag_seconds"
	Requests      = Prefix + "api_requests_total"
	Unusable      = Prefix + "unusable_elements_total"
	Writes        = Prefix + "writes_total"

	EventsDropped   = Prefix + "events_dropped_total"
	WebhookRequests = Prefix + "webhook_requests_total"
	PushDuration    = Prefix + "push_duration_seconds"

	CloudEventsSent    = Prefix + "cloudevents_sent_total"
	CloudEventsDropped = Prefix + "cloudevents_dropped_total"
	CloudEventsDelay   = Prefix + "cloudevents_delay_seconds"
	CloudEventsPending = Prefix + "cloudevents_pending_tasks"
)

// Labels. Those of a source come first, wherever a metric has them.
const (
	LabelNamespace = "namespace"
	LabelSource    = "source"
	LabelType      = "type"
	LabelPhase     = "phase"
	LabelKind      = "kind"
	LabelResult    = "result"
	LabelReason    = "reason"
	LabelVerb      = "verb"
)

// Values of LabelKind.
const (
	KindPoll = "poll"
	KindFull = "full"
)

// Success is the result of what went well. Otherwise the result names the trouble, as the conditions of a source do.
const Success = "Success"

// What stands for types and phases that are newer than the operator, so that Studio can't make series up.
const (
	OtherType    = "other"
	UnknownPhase = "unknown"
)

// Types of metrics.
const (
	Gauge     = "gauge"
	Counter   = "counter"
	Histogram = "histogram"
)

// Definition is what is known of a metric before it has a value.
type Definition struct {
	Name, Type, Help string
	Labels           []string
	// Buckets are the upper bounds of a histogram's, in seconds.
	Buckets []float64
}

// Definitions returns all metrics, in the order of the documentation.
func Definitions() []Definition {
	ofSource := func(more ...string) []string { return append([]string{LabelNamespace, LabelSource}, more...) }
	short := []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	long := []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
	lag := []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 900, 3600}
	late := []float64{0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200}
	return []Definition{
		{Tasks, Gauge, "LivepeerTasks in the cluster.", ofSource(LabelType, LabelPhase), nil},
		{StalledTasks, Gauge, "Tasks that Studio has not updated for longer than spec.stallAfter of their source, as of its last " +
			"step. Absent while it is suspended.", ofSource(), nil},
		{TasksFinished, Counter, "Tasks that ended while they were followed. What a first sync finds ended long ago does not count.",
			ofSource(LabelType, LabelPhase), nil},
		{SourceReady, Gauge, "1 where the source is Ready, else 0; with the reason of that condition.", ofSource(LabelReason), nil},
		{SourceStalled, Gauge, "1 where the source is Stalled, which is to say that it needs somebody's help, else 0; with the reason " +
			"of its Ready condition.", ofSource(LabelReason), nil},
		{LastPoll, Gauge, "When Studio last answered a poll of the source. Absent before the first, and while the source is suspended.",
			ofSource(), nil},
		{PollInterval, Gauge, "spec.interval of the source. Absent while the source is suspended.", ofSource(), nil},
		{LastFullSync, Gauge, "When the last full sync that was carried through began. Absent before the first, and while the source " +
			"is suspended.", ofSource(), nil},
		{FullInterval, Gauge, "spec.resyncInterval of the source. Absent while the source is suspended.", ofSource(), nil},
		{Polls, Counter, "Polls for changes and full syncs that ended. A failed one is gone on with, so that one poll can fail several " +
			"times.", ofSource(LabelKind, LabelResult), nil},
		{PollDuration, Histogram, "How long polls and full syncs took that were carried through, with all that was written.",
			ofSource(LabelKind), long},
		{MirrorLag, Histogram, "From Studio's updatedAt of a task to its LivepeerTask, for changes of tasks that are mirrored already.",
			ofSource(), lag},
		{Requests, Counter, "Requests to Studio's API. NotFound is the usual answer for a task that was deleted.",
			ofSource(LabelResult), nil},
		{Unusable, Counter, "Elements of Studio's lists that are no tasks, or have no usable id, and are left out. Each listing counts " +
			"those that it meets.", ofSource(), nil},
		{Writes, Counter, "LivepeerTasks that were written.", ofSource(LabelVerb), nil},
		{EventsDropped, Counter, "Kubernetes Events that were not written: too many at once, or refused by the API server.", nil, nil},
		{WebhookRequests, Counter, "Requests to the receiver of webhooks, by what became of them.", []string{LabelResult}, nil},
		{PushDuration, Histogram, "From the arrival of a webhook to the changed LivepeerTask in the cluster.", nil, short},
		{CloudEventsPending, Gauge, "Tasks that have phases still to be sent as CloudEvents.", nil, nil},
		{CloudEventsSent, Counter, "Attempts to send a CloudEvent: delivered, unavailable, denied, refused or unusable.",
			[]string{LabelResult}, nil},
		{CloudEventsDropped, Counter, "Phases that were not sent as CloudEvents and never will be: full (too many of one task waited), " +
			"off (spec.notify was removed) or deleted (the task was; counts tasks).", []string{LabelReason}, nil},
		{CloudEventsDelay, Histogram, "From the change of a task in Studio, by Studio's clock, until the sink had its CloudEvent.",
			nil, late},
	}
}

var (
	knownTypes = [...]string{
		v1alpha1.TypeUpload, v1alpha1.TypeExport, v1alpha1.TypeExportData, v1alpha1.TypeTranscodeFile, v1alpha1.TypeClip, OtherType,
	}
	knownPhases = [...]string{
		v1alpha1.PhasePending, v1alpha1.PhaseWaiting, v1alpha1.PhaseRunning, v1alpha1.PhaseCompleted, v1alpha1.PhaseFailed,
		v1alpha1.PhaseCancelled, UnknownPhase,
	}
)

// Types and Phases are how many of each there are, for who counts by them.
const (
	Types  = len(knownTypes)
	Phases = len(knownPhases)
)

// KnownTypes are the values of LabelType; all other types are the last.
func KnownTypes() []string { return knownTypes[:] }

// KnownPhases are the values of LabelPhase; all other phases are the last.
func KnownPhases() []string { return knownPhases[:] }

// bounded returns a value that is among the known ones, and the last of them for every other.
func bounded(value string, known []string) string {
	if slices.Contains(known, value) {
		return value
	}
	return known[len(known)-1]
}

// definition finds a metric by its name. One that is not defined is a mistake of the program.
func definition(name string) *Definition {
	for _, d := range Definitions() {
		if d.Name == name {
			return &d
		}
	}
	panic(fmt.Sprintf("no metric %s is defined", name))
}

// NewCounter makes a metric that counts.
func NewCounter(name string) *prometheus.CounterVec {
	d := definition(name)
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels)
}

// NewHistogram makes a metric of how long something takes.
func NewHistogram(name string) *prometheus.HistogramVec {
	d := definition(name)
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Name, Help: d.Help, Buckets: d.Buckets}, d.Labels)
}

// NewGauge makes a metric that is read from f when it is asked for.
func NewGauge(name string, f func() float64) prometheus.GaugeFunc {
	d := definition(name)
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: d.Name, Help: d.Help}, f)
}

// NewDesc describes a metric that is read when it is asked for.
func NewDesc(name string) *prometheus.Desc {
	d := definition(name)
	return prometheus.NewDesc(d.Name, d.Help, d.Labels, nil)
}
