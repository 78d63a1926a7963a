// SPDX-License-Identifier: Apache-2.0

// Package controller holds the two reconcilers. LivepeerTaskSource polls the API and keeps the mirror; LivepeerTask
// heals single tasks that somebody else changed or deleted. Both use the same plan and the same writer.
package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// sourceWorkers bounds the sources that are worked on at once. Most of a turn is waiting for an API, which may hang: one
// that does must not hold up the others.
const sourceWorkers = 64

// SourceReconciler mirrors the tasks of every LivepeerTaskSource.
type SourceReconciler struct {
	client   client.Client
	sessions *sessions
	secrets  *secretStore
	index    *taskstore.Index
	writer   *taskstore.Writer
	now      func() time.Time
	metrics  *metrics.Metrics
	// indexed reports whether the index knows every stored task. Planning before would create what exists.
	indexed   toolscache.InformerSynced
	reception reception
	// delivering tells how the sending of a source's CloudEvents goes; nil where nobody sends.
	delivering func(source *v1alpha1.LivepeerTaskSource) health
	events     *events.Log

	mu     sync.Mutex
	states map[types.NamespacedName]*progress
	queue  workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// Reconcile gives a source one turn: it polls what is due, goes on with a full sync, writes the difference, and says in
// the source's status how it went. It comes back when the next thing is due.
func (r *SourceReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	source := &v1alpha1.LivepeerTaskSource{}
	if err := r.client.Get(ctx, request.NamespacedName, source); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(request.NamespacedName)
			r.metrics.Forget(request.NamespacedName)
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !source.DeletionTimestamp.IsZero() {
		r.forget(request.NamespacedName)
		r.metrics.Forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	r.metrics.Follow(request.NamespacedName)
	state := r.progress(source)
	source = state.latest(source)
	if source.Spec.Suspend {
		r.forget(request.NamespacedName)
		return reconcile.Result{}, r.report(ctx, source, state, suspended())
	}
	err := r.turn(ctx, source, state)
	if ctx.Err() != nil {
		return reconcile.Result{}, nil //nolint:nilerr // The operator stops: what is cut short now is no trouble of the source.
	}
	if err := r.report(ctx, source, state, err); err != nil && ctx.Err() == nil {
		return reconcile.Result{}, fmt.Errorf("status of the source: %w", err)
	}
	return reconcile.Result{RequeueAfter: max(state.wait(r.now()), time.Millisecond)}, nil
}

// turn works on what is due. A failure decides when the next attempt is.
func (r *SourceReconciler) turn(ctx context.Context, source *v1alpha1.LivepeerTaskSource, state *progress) error {
	defer func() { state.publish(r.now()) }()
	state.settle(r.now())
	session, err := r.meet(ctx, source)
	if err == nil {
		r.checkWebhook(source, session, state)
		state.renew(source, session.fingerprint, int(r.index.Counts(taskstore.SourceIDOf(source)).Total), r.now())
		if state.wait(r.now()) > 0 {
			return errNotDue
		}
		syncer := &syncer{
			source: source, session: session, state: state, index: r.index, writer: r.writer, now: r.now, metrics: r.metrics,
		}
		if err = syncer.run(ctx); err == nil && state.standing.tooFull() {
			err = syncer.prune(ctx)
		}
	}
	if err == nil {
		state.failures, state.retryFixed = 0, false
		return nil
	}
	state.failures++
	var api *studio.Error
	fixed := errors.As(err, &api) && api.RetryAfter > 0
	out := outcomeOf(err, state.failures, source.Spec.Interval.Duration)
	state.failed(out, fixed, r.now())
	r.measureFailure(ctx, source, state, out.Reason)
	return err
}

// errNotDue says that a turn had nothing to do, as after an event that changed nothing.
var errNotDue = errors.New("nothing is due")

// progress returns the progress of a source, which begins with what is stored.
func (r *SourceReconciler) progress(source *v1alpha1.LivepeerTaskSource) *progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := sourceKey(source)
	if state, ok := r.states[key]; ok && state.uid == source.UID {
		return state
	}
	state := &progress{uid: source.UID, standing: standing{polling: true}} // until its first turn has ended
	state.resume(source, r.index.Entries(taskstore.SourceIDOf(source)), r.now())
	r.states[key] = state
	return state
}

func (r *SourceReconciler) forget(key types.NamespacedName) {
	r.mu.Lock()
	delete(r.states, key)
	r.mu.Unlock()
	r.secrets.forget(key)
	r.sessions.drop(key)
	r.reception.forget(key)
	for _, other := range r.reception.claims.drop(key) {
		r.turnSoon(other)
	}
}

// syncSoon asks for a full sync of a source, at its next turn, which begins at once.
func (r *SourceReconciler) syncSoon(key types.NamespacedName) {
	r.mu.Lock()
	queue := r.queue
	if state, ok := r.states[key]; ok {
		state.resync.Store(true)
	}
	r.mu.Unlock()
	if queue != nil {
		queue.Add(reconcile.Request{NamespacedName: key})
	}
}

// SetupWithManager registers the reconciler.
func (r *SourceReconciler) SetupWithManager(mgr ctrl.Manager) error {
	secretEvents := source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		if !toolscache.WaitForCacheSync(ctx.Done(), r.indexed) {
			return ctx.Err()
		}
		sources, err := r.reception.await(ctx, r.client)
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.queue = queue
		r.mu.Unlock()
		r.secrets.start(ctx, func(source types.NamespacedName) {
			log.FromContext(ctx).V(1).Info("Secret changed", "source", source)
			queue.Add(reconcile.Request{NamespacedName: source})
		})
		go r.admit(ctx, sources)
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.LivepeerTaskSource{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		WatchesRawSource(secretEvents).
		WithOptions(controller.Options{MaxConcurrentReconciles: sourceWorkers}).
		Complete(r)
}
