// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// followPush reads a task that Studio says has changed, and writes what differs. What can't be done now is left to a poll:
// trouble is a matter of the source's turns, which know how long to wait.
func (r *TaskReconciler) followPush(ctx context.Context, request taskRequest) (reconcile.Result, error) {
	taken, ok := r.hints.take(request)
	if !ok {
		return reconcile.Result{}, nil
	}
	behind := false
	var again time.Duration
	func() {
		defer func() { again = r.hints.done(request, taken, behind) }()
		behind = r.readPushed(ctx, request, &taken)
	}()
	return reconcile.Result{RequeueAfter: again}, nil
}

// readPushed reports whether the API is behind what was pushed, so that asking again soon helps.
func (r *TaskReconciler) readPushed(ctx context.Context, request taskRequest, taken *hint) (behind bool) {
	key := request.source()
	source := &v1alpha1.LivepeerTaskSource{}
	if err := r.client.Get(ctx, key, source); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(key)
		}
		return false
	}
	standing := r.standing(key)
	if !source.DeletionTimestamp.IsZero() || source.Spec.Suspend || standing == nil {
		return false
	}
	if open, wake := standing.open(time.Now()); !open {
		if wake {
			r.turnSoon(key)
		}
		return false
	}
	session, err := r.sessions.get(ctx, source)
	if err != nil || r.upToDate(source, request.ID, taken.wanted) {
		return false // the source's condition names the trouble, if any; its next poll brings the task
	}
	asking, cancel := context.WithTimeout(ctx, min(hintTimeout, source.Spec.Timeout.Duration))
	task, err := session.client.Get(asking, request.ID)
	cancel()
	switch api, _ := errors.AsType[*studio.Error](err); {
	case ctx.Err() != nil:
		return false
	case api != nil && api.Kind == studio.NotFound:
		return true
	case err != nil:
		if api != nil && api.RetryAfter > 0 {
			standing.tell(time.Now().Add(api.RetryAfter))
		}
		r.pollInstead(key)
		return false
	}
	observation, err := mirror.Convert(task.Raw, session.redactor)
	if err != nil || observation.Deleted {
		return false // to delete a task takes a complete listing
	}
	if err := r.writePushed(ctx, source, session, standing, observation, taken.first); err != nil {
		log.FromContext(ctx).V(1).Info("Pushed task can't be stored for now", "task", request.ID, "error", err.Error())
		return ctx.Err() == nil
	}
	return mirror.StampOf(observation).UpdatedAt < taken.wanted
}

// upToDate reports whether a poll, or another push, has brought the change already.
func (r *TaskReconciler) upToDate(source *v1alpha1.LivepeerTaskSource, id string, wanted int64) bool {
	lookup := r.index.Lookup(source.Namespace)
	for _, name := range mirror.Names(id) {
		if entry, ok := lookup(name); ok && entry.ID == id {
			return wanted > 0 && entry.UpdatedAt >= wanted && entry.OwnerUID == source.UID && !entry.Deleting &&
				entry.ObservedGeneration == entry.Generation
		}
	}
	return false
}

// writePushed writes a task in the scope that a poll would have. What can't be mirrored is left to the poll, which names it.
func (r *TaskReconciler) writePushed(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, session *session, standing *standing,
	observation *mirror.Observation, first time.Time,
) error {
	scope := r.scopeOf(source, standing, observation)
	plan := mirror.Plan(scope, []*mirror.Observation{observation}, r.index.Lookup(source.Namespace))
	for i := range plan.Actions {
		if plan.Actions[i].Verb == mirror.Create {
			standing.wrote(observation.ID, false) // before it is stored: a full sync may look for it at once
		}
	}
	out, err := r.writer.Apply(ctx, scope, plan.Actions)
	for id, refusal := range out.Refused {
		text, _ := session.redactor.Text(refusal.Error())
		log.FromContext(ctx).V(1).Info("Pushed task is refused", "task", id, "refusal", text)
	}
	if len(out.Writes) > 0 {
		r.pushed.Observe(time.Since(first).Seconds())
		standing.wrote("", r.index.Finished(taskstore.SourceIDOf(source)) > mirror.MaxTasks(source.Spec.History))
	}
	return err
}

// scopeOf is the scope in which a turn of the source would plan for this task. History matters to finished ones only.
func (r *TaskReconciler) scopeOf(
	source *v1alpha1.LivepeerTaskSource, standing *standing, observation *mirror.Observation,
) mirror.Scope {
	if !v1alpha1.IsFinishedPhase(observation.Status.Phase) {
		return mirror.Scope{
			Namespace: source.Namespace, Source: source.Name, SourceUID: source.UID, Types: source.Spec.Types,
			Notify: source.SendsEvents(), NewsAfter: standing.newsNow(),
			StalledBefore: mirror.StalledBefore(source.Spec.StallAfter, time.Now()),
		}
	}
	turn := syncer{source: source, index: r.index, now: time.Now, state: &progress{
		floor: standing.floorNow(), news: standing.newsNow(),
	}}
	scope := *turn.scope()
	scope.Oldest = turn.oldest([]*mirror.Observation{observation})
	// An old event may name what a full sync has left out. A poll, which asks for what is new, would not meet it.
	if source.Status.Tasks.Omitted > 0 {
		oldest := oldestFinished(r.index.Entries(taskstore.SourceIDOf(source)))
		if oldest.Compare(scope.OldestNew) > 0 {
			scope.OldestNew = oldest
		}
	}
	return scope
}

// pollInstead leaves what is pushed for a source to a poll, at once.
func (r *TaskReconciler) pollInstead(source client.ObjectKey) {
	if standing := r.standing(source); standing != nil && standing.want() {
		r.turnSoon(source)
	}
}
