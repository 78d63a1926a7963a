// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"errors"
	"sync"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	// workers bounds the sources whose events are sent at once, and namespaceWorkers those of one namespace. Most of it is waiting
	// for a sink, which may hang: one that does is soon tried less often.
	workers          = 128
	namespaceWorkers = 16
	// crowdedRetry is how soon a source whose namespace has its share of the workers is tried again.
	crowdedRetry = time.Second
	// sendStep bounds one step of a source, so that a change of its spec is soon seen.
	sendStep = 5 * time.Second
	// sendConcurrency bounds the tasks of a source whose events are sent at once.
	sendConcurrency = 8
	// stored is how long to wait until all stored tasks are read.
	stored = 30 * time.Minute
	// unusableRetry is how soon settings that can't be used are looked at again, if nothing tells that they changed.
	unusableRetry = time.Minute
)

// Reconciler sends what waits in the tasks of each source to its sink. It has workers of its own: mirroring does not
// wait for a sink.
type Reconciler struct {
	client  client.Client
	index   *taskstore.Index
	writer  *taskstore.Writer
	sinks   *Sinks
	metrics *Metrics
	now     func() time.Time
	indexed toolscache.InformerSynced
	events  *events.Log
	// changed is told of a source whose condition is another now.
	changed func(source types.NamespacedName)

	gate   *fair.Gate
	mu     sync.Mutex
	states map[types.NamespacedName]*sending
}

// Reconcile sends what waits of one source, for one step.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	source := &v1alpha1.LivepeerTaskSource{}
	if err := r.client.Get(ctx, request.NamespacedName, source); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(request.NamespacedName)
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !source.DeletionTimestamp.IsZero() {
		r.forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	if !source.SendsEvents() {
		r.forget(request.NamespacedName)
		return r.discard(ctx, source)
	}
	state := r.state(source)
	defer r.report(source, state)
	sink, err := r.sinks.of(ctx, source)
	if trouble, ok := errors.AsType[*Error](err); ok {
		state.unusable(trouble)
		return reconcile.Result{RequeueAfter: jittered(unusableRetry)}, nil
	}
	if err != nil {
		return reconcile.Result{}, err // of the API server
	}
	state.begin(sink)
	if all, _ := state.pause(r.now()); all > 0 {
		return reconcile.Result{RequeueAfter: all}, nil
	}
	release, ok := r.gate.TryAcquire(request.NamespacedName)
	if !ok {
		return reconcile.Result{RequeueAfter: jittered(crowdedRetry)}, nil
	}
	left := r.send(ctx, source, sink, state)
	release()
	if ctx.Err() != nil {
		return reconcile.Result{}, nil
	}
	state.end(r.now())
	all, quarantine := state.pause(r.now())
	switch {
	case all > 0:
		return reconcile.Result{RequeueAfter: all}, nil
	case left:
		return reconcile.Result{RequeueAfter: time.Millisecond}, nil
	}
	return reconcile.Result{RequeueAfter: quarantine}, nil
}

// send sends to the tasks that are due. It reports whether there was no time for all.
func (r *Reconciler) send(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, sink *Sink, state *sending,
) (left bool) {
	until := r.now().Add(sendStep)
	var group errgroup.Group
	group.SetLimit(state.parallel())
	for _, name := range state.due(r.index.WaitingOf(taskstore.SourceIDOf(source)), r.now()) {
		if r.now().After(until) {
			left = true
		}
		if left || state.over() || ctx.Err() != nil || r.gone(ctx, source) {
			break
		}
		group.Go(func() error {
			sent, err := r.sendTask(ctx, source, sink, name, until)
			state.note(name, sent, err, r.now())
			return nil
		})
	}
	_ = group.Wait() // none of them answers an error
	return left
}

// gone reports whether a source is no longer this operator's, in the middle of a step: another one may be sending already.
func (r *Reconciler) gone(ctx context.Context, source *v1alpha1.LivepeerTaskSource) bool {
	return apierrors.IsNotFound(r.client.Get(ctx, client.ObjectKeyFromObject(source), &v1alpha1.LivepeerTaskSource{})) // the cache answers
}

// sendTask sends what waits in one task, in order, until an event fails or the step is over, and acknowledges what was sent. What
// can't be acknowledged will be sent again, and does not count: otherwise the pause before that would not grow.
func (r *Reconciler) sendTask(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, sink *Sink, name string, until time.Time,
) (sent int, err error) {
	task, err := r.writer.Waiting(ctx, types.NamespacedName{Namespace: source.Namespace, Name: name})
	if err != nil || task == nil {
		return 0, err
	}
	waiting := task.Status.Notifications
	for i := range waiting {
		if sent > 0 && r.now().After(until) {
			break
		}
		if err = r.sendOne(ctx, source, sink, task, i); err != nil {
			break
		}
		sent++
	}
	if sent == 0 {
		return 0, err
	}
	if kept := r.writer.Acknowledge(ctx, task, waiting[:sent]); kept != nil {
		if ctx.Err() == nil {
			log.FromContext(ctx).Info("What was sent of a task can't be taken from it, and will be sent again",
				"task", name, "events", sent, "error", kept.Error())
		}
		return 0, errors.Join(err, kept)
	}
	return sent, err
}

func (r *Reconciler) sendOne(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, sink *Sink, task *v1alpha1.LivepeerTask, i int,
) error {
	transition := &task.Status.Notifications[i]
	var event sdk.Event
	err := condition.Contain(log.FromContext(ctx), func() (err error) {
		event, err = NewEvent(source, task, transition, i == len(task.Status.Notifications)-1)
		return err
	})
	if err != nil {
		err = &Error{Kind: Refused, Message: "No event can be made of it: " + err.Error()}
	} else {
		err = sink.Send(ctx, &event)
	}
	r.metrics.attempted(transition, err, r.now())
	if err != nil {
		log.FromContext(ctx).V(1).Info("CloudEvent not delivered", "task", task.Name, "phase", transition.Phase, "error", err.Error())
	}
	return err
}

// discard acknowledges what waits of a source that has no sink any more.
func (r *Reconciler) discard(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (reconcile.Result, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sendConcurrency)
	for _, name := range r.index.WaitingOf(taskstore.SourceIDOf(source)) {
		group.Go(func() error {
			task, err := r.writer.Waiting(ctx, types.NamespacedName{Namespace: source.Namespace, Name: name})
			if err != nil || task == nil {
				return err
			}
			if err := r.writer.Acknowledge(ctx, task, task.Status.Notifications); err != nil {
				return err
			}
			r.metrics.drop(becauseOff, len(task.Status.Notifications))
			return nil
		})
	}
	return reconcile.Result{}, group.Wait()
}

// report has the source's condition, and an Event, say what has changed.
func (r *Reconciler) report(source *v1alpha1.LivepeerTaskSource, state *sending) {
	is, changed := state.condition(true)
	if changed {
		tellHealth(r.events, source, is, r.now())
	}
	if is.Reason != "" && !saysSo(source, is) {
		r.changed(client.ObjectKeyFromObject(source))
	}
}

// state returns how the sending of a source goes, which begins with what its condition says.
func (r *Reconciler) state(source *v1alpha1.LivepeerTaskSource) *sending {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := client.ObjectKeyFromObject(source)
	if state, ok := r.states[key]; ok && state.uid == source.UID {
		return state
	}
	state := &sending{uid: source.UID, health: recorded(source)}
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

// follow begins to follow what asks for a source to be reconciled. Those that are there have their turn at once: what the controller itself
// hears of them comes after all else, and so never where others keep it busy.
func (r *Reconciler) follow(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	if !toolscache.WaitForCacheSync(ctx.Done(), r.indexed) {
		return ctx.Err()
	}
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

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("cloudevents").
		For(&v1alpha1.LivepeerTaskSource{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Func(r.follow)).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers, CacheSyncTimeout: stored}).
		Complete(r)
}
