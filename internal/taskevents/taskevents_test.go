// SPDX-License-Identifier: Apache-2.0

package taskevents

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// sink is an API server that stores the reasons of Events.
type sink struct {
	client.Client
	reasons chan string
}

func (s *sink) Create(_ context.Context, object client.Object, _ ...client.CreateOption) error {
	s.reasons <- object.(*eventsv1.Event).Reason
	return nil
}

// TestWhatIsNews: a new task that runs, if it is new in Studio as well; of one that was there, each phase that it comes to, however old it is.
func TestWhatIsNews(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(after time.Duration) *metav1.MicroTime { return new(metav1.NewMicroTime(noon.Add(after))) }
	known := mirror.Entry{Shown: mirror.Shown{ObservedGeneration: 1, Phase: v1alpha1.PhaseRunning, UpdatedAt: noon.Add(-time.Hour).UnixMilli()}}
	for name, c := range map[string]struct {
		before  mirror.Entry
		phase   string
		created *metav1.MicroTime
		deleted bool
		want    []string
	}{
		"a new one":                 {mirror.Entry{}, v1alpha1.PhaseRunning, at(time.Millisecond), false, []string{v1alpha1.ReasonRunning}},
		"an old one, mirrored late": {mirror.Entry{}, v1alpha1.PhaseRunning, at(0), false, nil},
		"one without a time":        {mirror.Entry{}, v1alpha1.PhaseRunning, nil, false, nil},
		"an old one that fails":     {known, v1alpha1.PhaseFailed, at(-24 * time.Hour), false, []string{v1alpha1.ReasonFailed}},
		"one that still runs":       {known, v1alpha1.PhaseRunning, at(time.Millisecond), false, nil},
		"a deleted one":             {known, v1alpha1.PhaseFailed, at(time.Millisecond), true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			api := &sink{reasons: make(chan string, 10)}
			log, err := events.NewLog(api, prometheus.NewRegistry(), logr.Discard())
			if err != nil {
				t.Fatal(err)
			}
			change := &taskstore.Change{Scope: &plan.Scope{NotifyAfter: noon.UnixMilli()}, Action: &plan.Action{Stored: c.before}}
			if !c.deleted {
				change.Stored = kubetest.ATask("a", "main", 1, kubetest.InPhase(c.phase))
				change.Stored.Status.CreatedAt, change.Stored.Status.UpdatedAt = c.created, at(0)
			}
			New(log).Wrote(change)
			ended, end := context.WithCancel(t.Context())
			end()
			if err := log.Start(ended); err != nil { // which writes what waits
				t.Fatal(err)
			}
			close(api.reasons)
			var told []string
			for reason := range api.reasons {
				told = append(told, reason)
			}
			if !slices.Equal(told, c.want) {
				t.Errorf("%q, not %q", told, c.want)
			}
		})
	}
}
