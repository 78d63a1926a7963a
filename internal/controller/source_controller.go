// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
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
	"github.com/livepeer/livepeer-task-operator/internal/cloudevents"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/session"
	"github.com/livepeer/livepeer-task-operator/internal/shard"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// sourceWorkers bounds the sources that are reconciled at once, and namespaceWriters those of one namespace whose status is being
	// written: the polls of all other sources need workers, too. No worker waits for Studio.
	sourceWorkers    = 32
	namespaceWriters = 16
	// writeRetry is how soon to write a status again after a conflict, or after errCrowded.
	writeRetry = time.Second
	// Pauses before a source is reconciled again that the API server kept from being read or written. A controller's default goes up to a
	// quarter of an hour: for so long after an outage, a source that is polled rarely, or suspended, would not say so.
	errorRetry    = 5 * time.Millisecond
	maxErrorRetry = 30 * time.Second
	// unknownRetry is how soon to reconcile a source again if the tasks of its namespace are not known.
	unknownRetry = 10 * time.Second
)

// errCrowded says that a namespace uses its share of the workers already.
var errCrowded = errors.New("too many sources of the namespace have their status written")

// SourceReconciler has the engine mirror every LivepeerTaskSource, and reports in its status how that goes.
type SourceReconciler struct {
	client    client.Client
	engine    *sourcesync.Engine
	connector *session.Connector
	index     *taskstore.Index
	metrics   *metrics.Metrics
	// indexed reports whether the index knows every stored task. Planning earlier would create objects that exist.
	indexed toolscache.InformerSynced
	// known reports whether the index knows the tasks of a namespace: the operator may lack the right to read them.
	known func(namespace string) bool
	// delivering returns the health of a source's CloudEvents; nil if none are sent.
	delivering func(source *v1alpha1.LivepeerTaskSource) cloudevents.Health
	events     *events.Log
	// shard is nil if this operator serves all sources.
	shard *shard.Sources
	waker *waker
	// writes bounds the status writes under way.
	writes *fair.Gate

	mu   sync.Mutex
	last map[types.NamespacedName]*reported
}

// reported is what the status of a source last said.
type reported struct {
	uid    types.UID
	source *v1alpha1.LivepeerTaskSource // as the operator last wrote it
	report sourcesync.Report            // of the last step
	failed bool                         // the write of that report has failed
}

// Reconcile has the engine go on with a source, and reports in the source's status how the last step went.
func (r *SourceReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	source := &v1alpha1.LivepeerTaskSource{}
	err := r.client.Get(ctx, request.NamespacedName, source)
	if apierrors.IsNotFound(err) || !source.DeletionTimestamp.IsZero() {
		r.shard.Leave(request.NamespacedName)
		r.forget(request.NamespacedName)
		r.metrics.Forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	if !r.known(source.Namespace) {
		return reconcile.Result{RequeueAfter: unknownRetry}, nil
	}
	r.metrics.Follow(request.NamespacedName)
	source = r.latest(source)
	if r.meet(source) {
		r.engine.Take(request.NamespacedName)
	}
	report := suspended(source)
	if source.Spec.Suspend {
		r.forget(request.NamespacedName)
	} else {
		report = r.engine.Sync(source)
	}
	err = r.report(ctx, source, &report)
	if apierrors.IsConflict(err) || errors.Is(err, errCrowded) { // after a conflict, the cache is about to show the new version
		return reconcile.Result{RequeueAfter: writeRetry}, nil
	}
	if err != nil && ctx.Err() == nil {
		return reconcile.Result{}, fmt.Errorf("status of the source: %w", err)
	}
	return reconcile.Result{}, nil
}

// latest returns the source with the status that the operator last wrote, if the cache still shows an older one.
func (r *SourceReconciler) latest(source *v1alpha1.LivepeerTaskSource) *v1alpha1.LivepeerTaskSource {
	last := r.lastReported(source)
	if last.source == nil || last.source.Generation != source.Generation {
		return source
	}
	order, err := resourceversion.CompareResourceVersion(last.source.ResourceVersion, source.ResourceVersion)
	if err != nil || order <= 0 {
		return source
	}
	source = source.DeepCopy()
	source.ResourceVersion, source.Status = last.source.ResourceVersion, *last.source.Status.DeepCopy()
	return source
}

// lastReported returns what was last reported of a source, but not of an earlier one with the same name.
func (r *SourceReconciler) lastReported(source *v1alpha1.LivepeerTaskSource) reported {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.last[client.ObjectKeyFromObject(source)]; ok && last.uid == source.UID {
		return *last
	}
	return reported{uid: source.UID}
}

func (r *SourceReconciler) forget(key types.NamespacedName) {
	r.engine.Forget(key)
	r.mu.Lock()
	delete(r.last, key)
	r.mu.Unlock()
	r.connector.Forget(key)
}

// follow registers the callbacks that request a reconcile of a source, or have a task read again.
func (r *SourceReconciler) follow(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	if !toolscache.WaitForCacheSync(ctx.Done(), r.indexed) {
		return ctx.Err()
	}
	select {
	case <-r.engine.Started():
	case <-ctx.Done():
		return ctx.Err()
	}
	r.waker.follow(queue)
	r.connector.Sessions.OnChange(func(source types.NamespacedName) {
		log.FromContext(ctx).V(1).Info("Secret changed", "source", source)
		r.engine.Reconnect(source)
		r.waker.wake(source)
	})
	if err := r.begin(ctx); err != nil {
		return err
	}
	r.index.NotifyExternalChanges(r.externalChange)
	return r.connector.Admit(ctx, func(gone types.NamespacedName) {
		r.forget(gone)
		r.waker.wake(gone) // it may exist again by now, and nothing else would reconcile it
	})
}

// begin takes in the sources that exist when this replica begins to lead: it goes on with them, as after a restart. It queues each of them:
// the controller queues them itself, but behind everything else, and so perhaps never if others keep it busy. And a source that leaves this
// shard before the controller sees it would count as this shard's.
func (r *SourceReconciler) begin(ctx context.Context) error {
	list := &v1alpha1.LivepeerTaskSourceList{}
	if err := r.client.List(ctx, list); err != nil {
		return err
	}
	for i := range list.Items {
		r.meet(&list.Items[i])
		r.waker.wake(client.ObjectKeyFromObject(&list.Items[i]))
	}
	return nil
}

// meet notes a source of this shard, and reports whether another operator has served it until now.
func (r *SourceReconciler) meet(source *v1alpha1.LivepeerTaskSource) (fromAnother bool) {
	return r.shard.Meet(client.ObjectKeyFromObject(source), source.UID, source.Status.ObservedGeneration > 0)
}

// externalChange has a task that somebody else changed read again, if this operator serves its source.
func (r *SourceReconciler) externalChange(task taskstore.TaskRef) {
	source := types.NamespacedName{Namespace: task.Namespace, Name: task.Source}
	if task.Source != "" && task.ID != "" && r.shard.Serves(source) {
		r.engine.Recheck(source, task.ID, plan.ExternalChange)
	}
}

// SetupWithManager registers the reconciler.
func (r *SourceReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.LivepeerTaskSource{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		WatchesRawSource(source.Func(r.follow)).
		WithOptions(options()).
		Complete(r)
}

func options() controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: sourceWorkers,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](errorRetry, maxErrorRetry),
	}
}
