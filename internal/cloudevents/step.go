// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"errors"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// job is what a step has to do.
type job struct {
	source *v1alpha1.LivepeerTaskSource
	sink   *Sink
	state  *sending
	due    []string // the names of the tasks that are due
}

// step sends what waits for one source, and returns after how long the next step is due; 0: when something requests one.
func (r *Reconciler) step(ctx context.Context, key types.NamespacedName) (after time.Duration, err error) {
	to, after, err := r.prepare(ctx, key)
	if to == nil {
		return after, err
	}
	leave, err := r.enter(ctx, key, to.state)
	if err != nil {
		return 0, nil // the operator ends
	}
	defer leave()
	if to, after, err = r.prepare(ctx, key); to == nil { // again, since it may have waited for long
		return after, err
	}
	defer r.report(to.source, to.state)
	left := r.send(ctx, to)
	if ctx.Err() != nil {
		return 0, nil
	}
	to.state.end(r.now())
	all, quarantine := to.state.pause(r.now())
	switch {
	case all > 0:
		return all, nil
	case left:
		return time.Millisecond, nil
	}
	return lookAgain(quarantine), nil
}

// lookAgain returns when to look whether the tasks in quarantine still wait, though none is due yet: of one that is deleted, nobody tells.
func lookAgain(quarantine time.Duration) time.Duration { return min(quarantine, goneRetry) }

// prepare finds out what to do for a source. It returns no job if nothing is to be sent now.
func (r *Reconciler) prepare(ctx context.Context, key types.NamespacedName) (to *job, after time.Duration, err error) {
	source := &v1alpha1.LivepeerTaskSource{}
	if err := r.client.Get(ctx, key, source); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(key)
		}
		return nil, 0, client.IgnoreNotFound(err)
	}
	if !source.DeletionTimestamp.IsZero() {
		r.forget(key)
		return nil, 0, nil
	}
	if !source.SendsEvents() {
		r.forget(key)
		return nil, 0, r.discard(ctx, source)
	}
	state := r.state(source)
	defer func() {
		if to == nil {
			r.report(source, state)
		}
	}()
	sink, err := r.sinks.of(ctx, source)
	if trouble, ok := errors.AsType[*Error](err); ok {
		state.unusable(trouble, source.Generation)
		return nil, jittered(unusableRetry), nil
	}
	if err != nil {
		return nil, 0, err // of the API server
	}
	state.begin(sink, source.Generation)
	all, quarantine := state.pause(r.now())
	if all > 0 {
		return nil, all, nil
	}
	due := state.due(r.index.WaitingOf(taskstore.SourceIDOf(source)), r.now())
	if len(due) == 0 {
		state.end(r.now())
		return nil, lookAgain(quarantine), nil
	}
	return &job{source, sink, state, due}, 0, nil
}

// enter waits until a source may send; leave ends that. The error is the context's.
func (r *Reconciler) enter(ctx context.Context, key types.NamespacedName, state *sending) (leave func(), err error) {
	end := func() {}
	if state.doubtful() {
		if end, err = r.doubtful.Acquire(ctx, key); err != nil {
			return nil, err
		}
	}
	release, err := r.steps.Acquire(ctx, key)
	if err != nil {
		end()
		return nil, err
	}
	return func() { release(); end() }, nil
}

// send sends the outboxes of the tasks that are due. It reports whether there was no time for all.
func (r *Reconciler) send(ctx context.Context, to *job) (left bool) {
	until := r.now().Add(sendStep)
	var group errgroup.Group
	group.SetLimit(to.state.parallel())
	for _, name := range to.due {
		if r.now().After(until) {
			left = true
		}
		if left || to.state.over() || ctx.Err() != nil || r.gone(ctx, to.source) {
			break
		}
		group.Go(func() error {
			sent := 0
			err := condition.Contain(log.FromContext(ctx).WithValues("task", name), func() (err error) {
				sent, err = r.sendTask(ctx, to, name, until)
				return err
			})
			to.state.note(name, sent, err, r.now())
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	return left
}

// gone reports whether a source has left this operator in the middle of a step, when another one may be sending already, was made anew, or
// has another spec, which may name another sink or none. Then another step follows.
func (r *Reconciler) gone(ctx context.Context, source *v1alpha1.LivepeerTaskSource) bool {
	now := &v1alpha1.LivepeerTaskSource{}
	err := r.client.Get(ctx, client.ObjectKeyFromObject(source), now) // the cache answers
	return apierrors.IsNotFound(err) || err == nil && (now.UID != source.UID || now.Generation != source.Generation)
}

// outgoing is what waits in a task, and the events made of it. The task itself is not in memory while they are sent.
type outgoing struct {
	key     types.NamespacedName
	uid     types.UID
	waiting []v1alpha1.Transition
	events  []sdk.Event
	faults  []error // why an event could not be made
}

// sendTask sends what waits in one task, in order, until an event fails or the step is over, and acknowledges what was sent. Events
// that can't be acknowledged will be sent again, and do not count as sent: otherwise the pause before that would not grow. What is on its
// way when the operator ends has a moment to arrive and to be acknowledged.
func (r *Reconciler) sendTask(ctx context.Context, to *job, name string, until time.Time) (sent int, err error) {
	out, err := r.read(ctx, to.source, name)
	if err != nil || out == nil {
		return 0, err
	}
	last := func() bool { return ctx.Err() != nil || r.now().After(until) }
	err = fair.Finish(ctx, func(ctx context.Context) error {
		sent, err = r.sendAll(ctx, to, out, last)
		return err
	})
	return sent, err
}

// sendAll sends what waits, one event at least, until the last.
func (r *Reconciler) sendAll(ctx context.Context, to *job, out *outgoing, last func() bool) (sent int, err error) {
	for i := range out.waiting {
		if sent > 0 && last() || to.state.over() { // another task may have failed meanwhile
			break
		}
		if err = r.sendOne(ctx, to.sink, out, i); err != nil {
			break
		}
		sent++
	}
	if sent == 0 {
		return 0, err
	}
	if kept := r.acknowledge(ctx, to.source, out, sent); kept != nil {
		if ctx.Err() == nil {
			log.FromContext(ctx).Info("Sent CloudEvents can't be removed from their task, and will be sent again",
				"task", out.key.Name, "events", sent, "error", kept.Error())
		}
		return 0, errors.Join(err, kept, errRepeats)
	}
	return sent, err
}

// read reads what waits in a task; nil if it is gone.
func (r *Reconciler) read(ctx context.Context, source *v1alpha1.LivepeerTaskSource, name string) (*outgoing, error) {
	out := &outgoing{key: types.NamespacedName{Namespace: source.Namespace, Name: name}}
	task, release, err := r.hold(ctx, source, out.key)
	if err != nil || task == nil {
		return nil, err
	}
	defer release()
	out.uid, out.waiting = task.UID, task.Status.Notifications
	for i := range out.waiting {
		var event sdk.Event
		fault := condition.Contain(log.FromContext(ctx), func() (err error) {
			event, err = NewEvent(source, task, &out.waiting[i], i == len(out.waiting)-1)
			return err
		})
		out.events, out.faults = append(out.events, event), append(out.faults, fault)
	}
	return out, nil
}

// hold reads a task once the source has a slot for it; release says that it is not in memory any more. The task is nil if it is gone.
func (r *Reconciler) hold(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, key types.NamespacedName,
) (task *v1alpha1.LivepeerTask, release func(), err error) {
	if release, err = r.tasks.Acquire(ctx, client.ObjectKeyFromObject(source)); err != nil {
		return nil, nil, err
	}
	defer func() {
		if task == nil { // also where that ended in a panic
			release()
		}
	}()
	task, err = r.writer.Waiting(ctx, key)
	return task, release, err
}

func (r *Reconciler) sendOne(ctx context.Context, sink *Sink, out *outgoing, i int) (err error) {
	if err = out.faults[i]; err != nil {
		err = &Error{Kind: Refused, Message: "No event can be made of it: " + err.Error()}
	} else {
		err = sink.Send(ctx, &out.events[i])
	}
	r.metrics.attempted(&out.waiting[i], err, r.now())
	if err != nil {
		log.FromContext(ctx).V(1).Info("CloudEvent not delivered", "task", out.key.Name, "phase", out.waiting[i].Phase,
			"error", err.Error())
	}
	return err
}

// acknowledge removes the first sent transitions from a task's outbox, if it is still the same object.
func (r *Reconciler) acknowledge(ctx context.Context, source *v1alpha1.LivepeerTaskSource, out *outgoing, sent int) error {
	task, release, err := r.hold(ctx, source, out.key)
	if err != nil || task == nil {
		return err
	}
	defer release()
	if task.UID != out.uid {
		return nil
	}
	return r.writer.Acknowledge(ctx, task, out.waiting[:sent])
}

// discard empties the outboxes of a source that has no sink any more.
func (r *Reconciler) discard(ctx context.Context, source *v1alpha1.LivepeerTaskSource) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sendConcurrency)
	for _, name := range r.index.WaitingOf(taskstore.SourceIDOf(source)) {
		group.Go(func() error {
			return condition.Contain(log.FromContext(ctx), func() error { return r.discardTask(ctx, source, name) })
		})
	}
	return group.Wait()
}

func (r *Reconciler) discardTask(ctx context.Context, source *v1alpha1.LivepeerTaskSource, name string) error {
	task, release, err := r.hold(ctx, source, types.NamespacedName{Namespace: source.Namespace, Name: name})
	if err != nil || task == nil {
		return err
	}
	defer release()
	if r.gone(ctx, source) { // then what waits may have come since
		return nil
	}
	if err := r.writer.Acknowledge(ctx, task, task.Status.Notifications); err != nil {
		return err
	}
	r.metrics.drop(becauseOff, len(task.Status.Notifications))
	return nil
}
