// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// workers start steps of sources, and do not wait for them.
	workers = 4
	// namespaceSteps bounds the sources of one namespace whose events are sent at once, and namespaceDoubtful those among them whose sink
	// did not answer lately: a sink that hangs occupies a step for sendTimeout. There is no bound in total, so that the sinks of one
	// namespace do not delay another's events.
	namespaceSteps    = 16
	namespaceDoubtful = 8
	unlimited         = 1 << 30
	// tasksRead bounds the tasks in memory, and namespaceTasksRead those of one namespace: each may have a megabyte. While it waits for
	// a sink, a step holds none.
	tasksRead          = 32
	namespaceTasksRead = 16
	// sendStep bounds one step of a source, so that a change of its spec is soon seen.
	sendStep = 5 * time.Second
	// sendConcurrency bounds the tasks of a source whose events are sent at once.
	sendConcurrency = 8
	// unusableRetry is how soon unusable settings are checked again, if no watch shows that they changed.
	unusableRetry = time.Minute
	// goneRetry is how soon the condition no longer names a refused task that is gone.
	goneRetry = time.Minute
)

// Reconciler sends the outboxes of each source's tasks to its sink. The steps of each source run in a goroutine of their own, one after
// the other: neither mirroring nor another source waits for a sink.
type Reconciler struct {
	client  client.Client
	index   *taskstore.Index
	writer  *taskstore.Writer
	sinks   *Sinks
	metrics *Metrics
	now     func() time.Time
	indexed toolscache.InformerSynced
	events  *events.Log
	// changed is called for a source whose condition has to be written.
	changed func(source types.NamespacedName)

	gates

	mu     sync.Mutex
	queue  workqueue.TypedRateLimitingInterface[reconcile.Request]
	states map[types.NamespacedName]*sending
	runs
}

// gates bound the steps under way, those whose sinks are in doubt, and the tasks in memory.
type gates struct{ steps, doubtful, tasks *fair.Gate }

// runs are the steps under way.
type runs struct {
	group   sync.WaitGroup
	running map[types.NamespacedName]bool // sources with one; true: another one is to follow
	stopped bool
}

// Start waits until ctx ends, and then for the steps under way.
func (r *Reconciler) Start(ctx context.Context) error {
	<-ctx.Done()
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.group.Wait()
	return nil
}

// Reconcile starts a step of a source. If one is under way, another one follows it.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, underWay := r.running[request.NamespacedName]
	if r.running[request.NamespacedName] = underWay; !underWay && !r.stopped {
		r.group.Go(func() { r.run(ctx, request) }) // whose context lasts as long as the controller
	}
	return reconcile.Result{}, nil
}

// run runs a step of a source, and queues the next.
func (r *Reconciler) run(ctx context.Context, request reconcile.Request) {
	var after time.Duration
	err := condition.Contain(log.FromContext(ctx), func() (err error) {
		after, err = r.step(ctx, request.NamespacedName)
		return err
	})
	r.mu.Lock()
	again, queue := r.running[request.NamespacedName], r.queue
	delete(r.running, request.NamespacedName)
	r.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		log.FromContext(ctx).Error(err, "CloudEvents can't be sent for now")
		queue.AddRateLimited(request)
		return
	}
	queue.Forget(request)
	switch {
	case again:
		queue.Add(request)
	case after > 0:
		queue.AddAfter(request, after)
	}
}

// report reports changed health: it writes an Event, and has the source's condition written.
func (r *Reconciler) report(source *v1alpha1.LivepeerTaskSource, state *sending) {
	is, changed := state.condition(true)
	if changed {
		tellHealth(r.events, source, is, r.now())
	}
	if is.Reason != "" && !saysSo(source, is) {
		r.changed(client.ObjectKeyFromObject(source))
	}
}

// state returns the state of a source's sending. A new one begins with what the source's condition says.
func (r *Reconciler) state(source *v1alpha1.LivepeerTaskSource) *sending {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := client.ObjectKeyFromObject(source)
	if state, ok := r.states[key]; ok && state.uid == source.UID {
		return state
	}
	state := &sending{uid: source.UID}
	state.health, state.judged = recorded(source)
	state.lastReported = state.health.Reason
	r.states[key] = state
	return state
}

func (r *Reconciler) forget(key types.NamespacedName) {
	r.mu.Lock()
	_, known := r.states[key]
	delete(r.states, key)
	r.mu.Unlock()
	r.sinks.Forget(key)
	if known {
		r.changed(key)
	}
}

// follow registers the queue for everything that requests a reconcile of a source, and queues all existing sources. The controller
// queues those itself, but behind everything else, and so perhaps never if others keep it busy.
func (r *Reconciler) follow(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	if !toolscache.WaitForCacheSync(ctx.Done(), r.indexed) {
		return ctx.Err()
	}
	r.mu.Lock()
	r.queue = queue
	r.mu.Unlock()
	wake := func(source types.NamespacedName) { queue.Add(reconcile.Request{NamespacedName: source}) }
	r.index.NotifyWaiting(wake)
	r.sinks.OnChange(wake)
	list := &v1alpha1.LivepeerTaskSourceList{}
	if err := r.client.List(ctx, list); err != nil {
		return err
	}
	for i := range list.Items {
		wake(client.ObjectKeyFromObject(&list.Items[i]))
	}
	return nil
}

// retries says when a step is tried again for which the API server did not answer. A controller's default goes up to a quarter of an hour.
func retries() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](serverPause, maxServerPause)
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := mgr.Add(r); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("cloudevents").
		For(&v1alpha1.LivepeerTaskSource{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Func(r.follow)).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers, RateLimiter: retries()}).
		Complete(r)
}
