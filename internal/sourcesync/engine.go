// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/backlog"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
	"github.com/livepeer/livepeer-task-operator/internal/syncstep"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// What the sources of one namespace may have under way at once: listings, and questions about single tasks. Each may hold a
// few megabytes, and wait for an API as long as spec.timeout allows.
const (
	namespaceListings  = 32
	namespaceQuestions = 32
	unlimited          = 1 << 30
)

// Connection is what the API of a source is asked with.
type Connection = recheck.Connection

// Config is what an Engine works with.
type Config struct {
	Index   *taskstore.Index
	Writer  *taskstore.Writer
	Clock   clock.WithDelayedExecution
	Log     logr.Logger
	Metrics *metrics.Metrics
	// Pushed observes the time from a webhook to the write of its task.
	Pushed prometheus.Observer
	// Connect returns the connection of a source. Errors are *condition.Error if its user has to act.
	Connect func(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error)
	// Wake requests a Sync of a source: a step of it has ended, its API is silent, or something else is to be done.
	Wake func(source types.NamespacedName)
}

// Engine mirrors all sources.
type Engine struct {
	Config

	listings *fair.Gate
	rechecks recheck.Config
	steps    syncstep.Config

	mu      sync.Mutex
	sources map[types.NamespacedName]*Source
	leaving map[types.NamespacedName]chan struct{} // see Forget
	ctx     context.Context                        //nolint:containedctx // What is under way ends with the engine, not with its call.
	stopped bool
	group   sync.WaitGroup
	started chan struct{}
}

// New returns an engine, which works once it is started.
func New(config Config) *Engine {
	e := &Engine{
		Config: config, started: make(chan struct{}),
		sources: map[types.NamespacedName]*Source{}, leaving: map[types.NamespacedName]chan struct{}{},
		listings: fair.NewGate(unlimited, namespaceListings),
	}
	e.rechecks = recheck.Config{
		Index: config.Index, Writer: config.Writer, Clock: config.Clock, Log: config.Log, Pushed: config.Pushed, Connect: config.Connect,
		Gate: fair.NewGate(unlimited, namespaceQuestions), Run: e.run,
	}
	e.steps = syncstep.Config{
		Index: config.Index, Writer: config.Writer, Clock: config.Clock, Log: config.Log, Metrics: config.Metrics,
		Room: backlog.NewGate(), Memory: backlog.NewMemory(),
	}
	return e
}

// Start lets the engine work until ctx ends, and returns when all that was under way has ended too.
func (e *Engine) Start(ctx context.Context) error {
	e.mu.Lock()
	e.ctx = ctx
	e.mu.Unlock()
	close(e.started)
	<-ctx.Done()
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	e.group.Wait()
	return nil
}

// Started is closed once the engine works.
func (e *Engine) Started() <-chan struct{} { return e.started }

// Running reports whether the engine works.
func (e *Engine) Running() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ctx != nil && e.ctx.Err() == nil
}

// over reports whether the engine has stopped: nothing is started any more.
func (e *Engine) over() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stopped
}

// run runs work in the background, and reports whether it does: not before Start, nor after its end.
func (e *Engine) run(work func(ctx context.Context)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx == nil || e.stopped {
		return false
	}
	ctx := e.ctx
	e.group.Go(func() { work(ctx) })
	return true
}

// Sync starts a step of a source if one is due, and returns how the last step ended, if one did since the last Sync. Later steps
// start by themselves.
func (e *Engine) Sync(source *v1alpha1.LivepeerTaskSource) Report {
	return e.source(keyOf(source)).sync(source)
}

// Take has the next Sync of a source begin a full sync, since another operator has mirrored the source until now.
func (e *Engine) Take(key types.NamespacedName) { e.source(key).rechecks.SyncSoon() }

// Reconnect cancels what a source has under way if its connection has changed, as after a change of its Secret.
func (e *Engine) Reconnect(key types.NamespacedName) {
	e.mu.Lock()
	s, ok := e.sources[key]
	e.mu.Unlock()
	if ok && s.mayReconnect() && !e.run(s.reconnect) {
		s.reconnected()
	}
}

// Recheck has one task of a source read again from Studio.
func (e *Engine) Recheck(key types.NamespacedName, id string, why plan.Why) {
	s := e.source(key)
	s.rechecks.Recheck(id, why)
	s.meetSoon()
}

// Push has a task read from Studio that a webhook, received at that time, says was updated at updatedAt, in milliseconds since
// 1970.
func (e *Engine) Push(key types.NamespacedName, id string, updatedAt int64, received time.Time) {
	s := e.source(key)
	s.rechecks.Push(id, updatedAt, received)
	s.meetSoon()
}

// source returns the state of a source, new if there is none.
func (e *Engine) source(key types.NamespacedName) *Source {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, ok := e.sources[key]
	if !ok {
		s = newSource(e, key)
		s.before = e.leaving[key]
		e.sources[key] = s
	}
	return s
}

func keyOf(source *v1alpha1.LivepeerTaskSource) types.NamespacedName {
	return types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
}
