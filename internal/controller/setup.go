// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/internal/cloudevents"
	"github.com/livepeer/livepeer-task-operator/internal/crdcheck"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/session"
	"github.com/livepeer/livepeer-task-operator/internal/shard"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskevents"
	"github.com/livepeer/livepeer-task-operator/internal/taskfeed"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
	"github.com/livepeer/livepeer-task-operator/internal/webhook/backend"
)

// Config configures the operator.
type Config struct {
	// UserAgent names the operator to the APIs that it polls.
	UserAgent string
	// Hosts says where sources may point to.
	Hosts studio.Hosts
	// Namespaces to work in, which are those of the manager's cache; none means all.
	Namespaces []string
	// Shard: the manager's cache holds only some of the sources, and other operators serve the others.
	Shard bool
	// Receiver has the operator receive Studio's webhooks; nil: it does not. Sources, Metrics and Log are filled in.
	Receiver *webhook.Config
	// Clock to live by; nil means the real one.
	Clock clock.WithDelayedExecution
}

// Setup adds all parts of the operator to a manager, with a readiness check.
func Setup(mgr ctrl.Manager, config Config) error {
	config.Clock = cmp.Or[clock.WithDelayedExecution](config.Clock, clock.RealClock{})
	var served *shard.Sources // nil: all
	if config.Shard {
		served = shard.NewSources()
	}
	index, pool := taskstore.NewIndex(), studio.NewPool()
	secrets, err := watchSecrets(mgr)
	if err != nil {
		return err
	}
	measured, err := measureSources(mgr, index)
	if err != nil {
		return err
	}
	events, err := setUpEvents(mgr)
	if err != nil {
		return err
	}
	sent, err := cloudevents.NewMetrics(crmetrics.Registry, waiting(index, served))
	if err != nil {
		return fmt.Errorf("metrics of CloudEvents: %w", err)
	}
	writer, feeds, err := openTasks(mgr, index, taskfeed.Config{Namespaces: config.Namespaces, Shared: config.Shard},
		measuring{measured, config.Clock.Now}, taskevents.New(events), sent)
	if err != nil {
		return err
	}
	sessions, waker := session.NewSessions(secrets, config.UserAgent, config.Hosts, pool, measured), &waker{}
	connector := &session.Connector{Sessions: sessions, Webhooks: config.webhooks(backend.Config{
		Client: mgr.GetClient(), Events: events, Secret: sessions.WebhookSecret, Wake: waker.wake, Now: config.Clock.Now,
	})}
	engine, err := openEngine(mgr, sourcesync.Config{
		Index: index, Writer: writer, Clock: config.Clock, Metrics: measured,
		Log: mgr.GetLogger().WithName("sync"), Connect: connector.Connect, Wake: waker.wake,
	})
	if err != nil {
		return err
	}
	sender, err := openSender(mgr, cloudevents.Config{
		Client: mgr.GetClient(), Index: index, Writer: writer,
		Sinks:   cloudevents.NewSinks(secrets, config.UserAgent, config.Hosts, pool),
		Metrics: sent, Events: events, Now: config.Clock.Now, Indexed: feeds.Synced, Changed: waker.wake,
	})
	if err != nil {
		return err
	}
	sources := &SourceReconciler{
		client: mgr.GetClient(), engine: engine, connector: connector, index: index, metrics: measured,
		indexed: feeds.Synced, known: feeds.Known, delivering: sender.Health, events: events, shard: served, waker: waker,
		last: map[types.NamespacedName]*reported{}, writes: fair.NewGate(sourceWorkers, namespaceWriters),
	}
	if err := sources.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("controller of LivepeerTaskSources: %w", err)
	}
	if err := errors.Join(config.receive(mgr, connector.Webhooks, engine), checkCRDs(mgr)); err != nil {
		return err
	}
	return mgr.AddReadyzCheck("tasks", feeds.Ready)
}

// watchSecrets adds the watcher of Secrets to the manager.
func watchSecrets(mgr ctrl.Manager) (*credentials.Watcher, error) {
	open, err := credentials.Tables(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("client for Secrets: %w", err)
	}
	watcher := credentials.NewWatcher(mgr.GetAPIReader(), open)
	if err := mgr.Add(watcher); err != nil {
		return nil, fmt.Errorf("watcher of Secrets: %w", err)
	}
	return watcher, nil
}

// openTasks returns the writer of LivepeerTasks, and the feeds that keep the index in step with them.
func openTasks(
	mgr ctrl.Manager, index *taskstore.Index, from taskfeed.Config, observers ...taskstore.Observer,
) (*taskstore.Writer, taskfeed.Feeds, error) {
	feeds, err := taskfeed.Open(mgr, index, from)
	if err != nil {
		return nil, nil, err
	}
	writer, err := taskstore.Open(mgr, index, observers...)
	return writer, feeds, err
}

// checkCRDs has the CRDs checked once the manager leads.
func checkCRDs(mgr ctrl.Manager) error {
	asked, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("client for the API server's OpenAPI document: %w", err)
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		crdcheck.Check(ctx, asked.RESTClient(), mgr.GetLogger().WithName("crds"))
		return nil
	}))
}

// openEngine adds the engine of the sources to the manager.
func openEngine(mgr ctrl.Manager, config sourcesync.Config) (*sourcesync.Engine, error) {
	pushed, err := metrics.Register(crmetrics.Registry, metrics.NewHistogram(metrics.PushDuration))
	if err != nil {
		return nil, fmt.Errorf("metrics of webhooks: %w", err)
	}
	config.Pushed = pushed.WithLabelValues()
	engine := sourcesync.New(config)
	return engine, mgr.Add(engine)
}

// openSender adds the sender of CloudEvents to the manager.
func openSender(mgr ctrl.Manager, config cloudevents.Config) (*cloudevents.Reconciler, error) {
	sender := cloudevents.New(config)
	if err := sender.SetupWithManager(mgr); err != nil {
		return nil, fmt.Errorf("sender of CloudEvents: %w", err)
	}
	return sender, nil
}

// webhooks returns the backend of webhooks; nil if none are received.
func (c *Config) webhooks(config backend.Config) *backend.Backend {
	if c.Receiver == nil {
		return nil
	}
	return backend.New(config)
}

// receive adds the receiver of webhooks to the manager, if one is configured.
func (c *Config) receive(mgr ctrl.Manager, webhooks *backend.Backend, engine *sourcesync.Engine) error {
	if c.Receiver == nil {
		return nil
	}
	config := *c.Receiver
	config.Sources, config.Metrics = webhooks.RouteTo(engine), crmetrics.Registry
	config.Log = log.New(failedConnections{mgr.GetLogger().WithName("receiver").V(1)}, "", 0)
	server, err := webhook.New(config)
	if err != nil {
		return fmt.Errorf("receiver of webhooks: %w", err)
	}
	return mgr.Add(server)
}

// failedConnections logs errors that anybody can cause by connecting; only at a debug level, so that nobody can flood the log.
type failedConnections struct{ logr.Logger }

func (l failedConnections) Write(line []byte) (int, error) {
	l.Info("Connection failed", "error", string(line))
	return len(line), nil
}
