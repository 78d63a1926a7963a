// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
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
	var settings settings
	for _, option := range options {
		option(&settings)
	}
	metadataClient, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("client for metadata: %w", err)
	}
	index := taskstore.NewIndex()
	tasksClient, err := apiutil.RESTClientForGVK(v1alpha1.GroupVersion.WithKind("LivepeerTask"), true, false, mgr.GetConfig(),
		serializer.NewCodecFactory(mgr.GetScheme()), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("client for LivepeerTasks: %w", err)
	}
	feeds, err := taskstore.WatchTasks(mgr, index, tasksClient, metadataClient, settings.namespaces)
	if err != nil {
		return err
	}
	secrets := newSecretStore(mgr.GetAPIReader(), metadataClient)
	sessions := newSessions(secrets, userAgent, settings.hosts)
	measured, err := measureSources(mgr, index)
	if err != nil {
		return err
	}
	sessions.metrics = measured
	events, err := setUpEvents(mgr)
	if err != nil {
		return err
	}
	sent, err := newNotifyMetrics(crmetrics.Registry, index.WaitingTasks)
	if err != nil {
		return fmt.Errorf("metrics of CloudEvents: %w", err)
	}
	writer := taskstore.NewWriter(&taskstore.LeanClient{Client: mgr.GetClient(), Tasks: tasksClient}, mgr.GetAPIReader(), index,
		measuring{measured}, &taskEvents{log: events, sources: mgr.GetClient()}, sent)
	sources := &SourceReconciler{
		client: mgr.GetClient(), sessions: sessions, secrets: secrets, index: index, writer: writer, now: time.Now,
		states: map[types.NamespacedName]*progress{}, indexed: feeds.Synced, events: events, metrics: measured,
	}
	if err := sources.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("controller of LivepeerTaskSources: %w", err)
	}
	tasks := &TaskReconciler{
		client: mgr.GetClient(), sessions: sessions, index: index, writer: writer, syncSoon: sources.syncSoon,
		limiters: map[types.NamespacedName]*rate.Limiter{},
		hints:    newHints(), standing: sources.standing, turnSoon: sources.turnSoon,
	}
	sinks := newSinks(newSecretStore(mgr.GetAPIReader(), metadataClient), userAgent, settings.hosts)
	if err := setUpNotify(mgr, sources, writer, sinks, sent); err != nil {
		return err
	}
	if err := setUpReceiver(mgr, settings.receiver, sources, tasks); err != nil {
		return err
	}
	if err := tasks.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("controller of LivepeerTasks: %w", err)
	}
	return mgr.AddReadyzCheck("tasks", feeds.Ready)
}
