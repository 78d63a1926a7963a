// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/internal/cloudevents"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

// Option changes what Setup sets up.
type Option func(*settings)

type settings struct {
	hosts      studio.Hosts
	namespaces []string
	receiver   *webhook.Config
	clock      clock.WithDelayedExecution
}

// AllowHosts says where sources may point to. Without it, that is what studio.Hosts permits by default.
func AllowHosts(hosts studio.Hosts) Option {
	return func(s *settings) { s.hosts = hosts }
}

// InNamespaces says in which namespaces to work: those of the manager's cache. Without it, in all.
func InNamespaces(namespaces ...string) Option {
	return func(s *settings) { s.namespaces = namespaces }
}

// Setup registers both reconcilers, and the check of whether they are ready, with a manager. userAgent names the operator
// to the APIs it polls.
func Setup(mgr ctrl.Manager, userAgent string, options ...Option) error {
	settings := settings{clock: clock.RealClock{}}
	for _, option := range options {
		option(&settings)
	}
	metadataClient, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("client for metadata: %w", err)
	}
	index := taskstore.NewIndex()
	secrets := credentials.NewWatcher(mgr.GetAPIReader(), metadataClient)
	if err := mgr.Add(secrets); err != nil {
		return fmt.Errorf("watcher of Secrets: %w", err)
	}
	measured, err := measureSources(mgr, index)
	if err != nil {
		return err
	}
	events, err := setUpEvents(mgr)
	if err != nil {
		return err
	}
	sent, err := cloudevents.NewMetrics(crmetrics.Registry, index.WaitingTasks)
	if err != nil {
		return fmt.Errorf("metrics of CloudEvents: %w", err)
	}
	writer, feeds, err := taskstore.Open(mgr, index, settings.namespaces,
		measuring{measured}, &taskEvents{log: events, sources: mgr.GetClient()}, sent)
	if err != nil {
		return err
	}
	pushed, err := metrics.Register(crmetrics.Registry, metrics.NewHistogram(metrics.PushDuration))
	if err != nil {
		return err
	}
	sources := &SourceReconciler{
		client: mgr.GetClient(), sessions: newSessions(secrets, userAgent, settings.hosts, measured), index: index, now: settings.clock.Now,
		last: map[types.NamespacedName]*reported{}, indexed: feeds.Synced, events: events, metrics: measured,
	}
	sources.engine = sourcesync.New(sourcesync.Config{
		Index: index, Writer: writer, Clock: settings.clock, Metrics: measured, Pushed: pushed.WithLabelValues(),
		Log: mgr.GetLogger().WithName("sync"), Connect: sources.connect, Wake: sources.wake,
	})
	if err := mgr.Add(sources.engine); err != nil {
		return fmt.Errorf("engine of LivepeerTaskSources: %w", err)
	}
	if err := sources.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("controller of LivepeerTaskSources: %w", err)
	}
	sender := cloudevents.New(cloudevents.Config{
		Client: mgr.GetClient(), Index: index, Writer: writer, Sinks: cloudevents.NewSinks(secrets, userAgent, settings.hosts),
		Metrics: sent, Events: events, Now: time.Now, Indexed: feeds.Synced, Changed: sources.wake,
	})
	sources.delivering = sender.Health
	if err := sender.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("sender of CloudEvents: %w", err)
	}
	if err := setUpReceiver(mgr, settings.receiver, sources); err != nil {
		return err
	}
	return mgr.AddReadyzCheck("tasks", feeds.Ready)
}
