// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	taskWorkers = 16
	// A source's tasks are healed one by one at this rate. More than the burst at once are left to a full sync.
	healRate  = 5
	healBurst = 50
	// Pauses between attempts to store a healed task.
	healDelay    = time.Second
	maxHealDelay = 5 * time.Minute
)

// taskRequest asks to look at one task again.
type taskRequest struct {
	Namespace string
	Source    string
	ID        string
	// Pushed: Studio said that it has changed. Otherwise somebody changed or deleted it in the cluster.
	Pushed bool
}

func (r taskRequest) source() types.NamespacedName {
	return types.NamespacedName{Namespace: r.Namespace, Name: r.Source}
}

// TaskReconciler looks at single tasks: it puts back LivepeerTasks that somebody else changed or deleted, and follows what
// Studio pushes.
type TaskReconciler struct {
	client   client.Client
	sessions *sessions
	index    *taskstore.Index
	writer   *taskstore.Writer
	// syncSoon asks for a full sync of a source, where there is too much to heal one by one.
	syncSoon func(source types.NamespacedName)
	// turnSoon gives a source a turn, and standing is what its last turn left.
	turnSoon func(source types.NamespacedName)
	standing func(source types.NamespacedName) *standing
	hints    *hints
	pushed   prometheus.Observer

	mu       sync.Mutex
	limiters map[types.NamespacedName]*rate.Limiter
}

// Reconcile reads one task from the API, compares it with what is stored, and puts right what differs. That a task is
// gone from the API says nothing here: to delete it takes a complete listing.
func (r *TaskReconciler) Reconcile(ctx context.Context, request taskRequest) (reconcile.Result, error) {
	if request.Pushed {
		return r.followPush(ctx, request)
	}
	key := request.source()
	source := &v1alpha1.LivepeerTaskSource{}
	if err := r.client.Get(ctx, key, source); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(key)
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !source.DeletionTimestamp.IsZero() || source.Spec.Suspend {
		return reconcile.Result{}, nil
	}
	if !r.limiter(key).Allow() {
		r.syncSoon(key)
		return reconcile.Result{}, nil
	}
	session, err := r.sessions.get(ctx, source)
	if err != nil {
		r.syncSoon(key)
		return reconcile.Result{}, nil //nolint:nilerr // The source's condition names the trouble; its next full sync heals.
	}
	task, err := session.client.Get(ctx, request.ID)
	if err != nil {
		r.unanswered(ctx, key, err)
		return reconcile.Result{}, nil
	}
	observation, err := mirror.Convert(task.Raw, session.redactor)
	if err != nil || observation.Deleted {
		return reconcile.Result{}, nil //nolint:nilerr // An answer that is no task, or a deleted one, heals nothing.
	}
	err = r.heal(ctx, source, session, observation)
	if apierrors.IsNotFound(err) || taskstore.Terminating(err) {
		r.syncSoon(key) // not this object is missing, but what it would be in: the CRD or the namespace
		return reconcile.Result{}, nil
	}
	if err != nil && ctx.Err() == nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{}, nil
}

// unanswered leaves a task to the next full sync where the API did not answer: asking again is up to the source, which
// knows how long to wait. A task that the API does not have, or does not show, needs no healing.
func (r *TaskReconciler) unanswered(ctx context.Context, source types.NamespacedName, err error) {
	var api *studio.Error
	if errors.As(err, &api) && (api.Kind == studio.NotFound || api.Kind == studio.Forbidden) || ctx.Err() != nil {
		return
	}
	r.syncSoon(source)
}

// heal writes what differs between the task and what is stored of it.
func (r *TaskReconciler) heal(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, session *session, observation *mirror.Observation,
) error {
	scope := mirror.Scope{
		Namespace: source.Namespace, Source: source.Name, SourceUID: source.UID, Types: source.Spec.Types,
		Notify: source.SendsEvents(), NewsAfter: r.standing(sourceKey(source)).newsNow(),
		Oldest:        mirror.Oldest(nil, source.Spec.History, time.Now()),
		StalledBefore: mirror.StalledBefore(source.Spec.StallAfter, time.Now()),
	}
	plan := mirror.Plan(scope, []*mirror.Observation{observation}, r.index.Lookup(source.Namespace))
	out, err := r.writer.Apply(ctx, scope, plan.Actions)
	logger := log.FromContext(ctx)
	for id, refusal := range out.Refused {
		text, _ := session.redactor.Text(refusal.Error())
		logger.Info("Task can't be put back", "task", id, "refusal", text)
	}
	for verb, n := range out.Writes {
		logger.V(1).Info("Task put back", "task", observation.ID, "verb", verb, "writes", n)
	}
	return err
}

func (r *TaskReconciler) limiter(source types.NamespacedName) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter, ok := r.limiters[source]
	if !ok {
		limiter = rate.NewLimiter(healRate, healBurst)
		r.limiters[source] = limiter
	}
	return limiter
}

func (r *TaskReconciler) forget(source types.NamespacedName) {
	r.hints.forget(source)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.limiters, source)
}

// SetupWithManager registers the reconciler.
func (r *TaskReconciler) SetupWithManager(mgr ctrl.Manager) error {
	foreignChanges := source.TypedFunc[taskRequest](
		func(_ context.Context, queue workqueue.TypedRateLimitingInterface[taskRequest]) error {
			r.index.NotifyExternalChanges(func(task taskstore.TaskRef) {
				if task.Source != "" && task.ID != "" {
					queue.Add(taskRequest{Namespace: task.Namespace, Source: task.Source, ID: task.ID})
				}
			})
			r.hints.start(queue)
			return nil
		})
	return builder.TypedControllerManagedBy[taskRequest](mgr).
		Named("livepeertask").
		WatchesRawSource(foreignChanges).
		WithOptions(controller.TypedOptions[taskRequest]{
			MaxConcurrentReconciles: taskWorkers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[taskRequest](healDelay, maxHealDelay),
		}).
		Complete(r)
}
