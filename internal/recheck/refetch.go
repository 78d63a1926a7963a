// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// questionTimeout bounds how long Studio may take to answer about one task.
	questionTimeout = 30 * time.Second
	// Pauses between attempts to store a repaired task.
	repairPause    = time.Second
	maxRepairPause = 5 * time.Minute
)

// followUp is what follows from a question that was asked.
type followUp struct {
	Result

	pause    time.Duration // after which to ask again; 0: not at all
	failures int
}

// pushPause returns the pause before a task is asked for again because Studio's replica did not show yet what was pushed, or is stored.
// After the last pause, 0 leaves the task to the next poll or full sync.
func pushPause(asked int) time.Duration {
	pauses := [...]time.Duration{150 * time.Millisecond, 600 * time.Millisecond, 2400 * time.Millisecond}
	if asked < len(pauses) {
		return pauses[asked]
	}
	return 0
}

// contained is refetch that survives a panic. A poll or a full sync will meet the same fault, and report it.
func (q *Queue) contained(ctx context.Context, ask *question) (next followUp) {
	if err := condition.Contain(q.Log.WithValues("task", ask.id), func() error {
		next = q.refetch(ctx, ask)
		return nil
	}); err != nil {
		next = followUp{Result: Result{ID: ask.id, Answer: plan.Failed, Verdict: plan.Recheck(ask.why, plan.Failed), Err: err}}
	}
	return next
}

// refetch asks Studio for one task, and does what plan.Recheck says of the answer. If a step asked, it only returns the answer.
func (q *Queue) refetch(ctx context.Context, ask *question) followUp {
	source := q.source.Spec()
	if !q.mayAsk(ask) {
		return followUp{}
	}
	connection := ask.connection
	if connection == nil {
		var err error
		if connection, err = q.Connect(ctx, source); err != nil {
			switch { // the source's condition names the problem; its next poll or full sync sees to the task
			case ctx.Err() != nil:
			case ask.why == plan.ExternalChange:
				q.SyncSoon()
			case ask.why == plan.Pushed:
				q.PollSoon()
			}
			return followUp{}
		}
	}
	if ask.why == plan.Pushed && q.upToDate(source, ask.id, ask.wanted) {
		return followUp{}
	}
	ask.compared = q.Handoff.comparisons()
	answer, observation, err := q.ask(ctx, source, connection, ask)
	verdict := plan.Recheck(ask.why, answer)
	next := followUp{Result: Result{ID: ask.id, Answer: answer, Verdict: verdict, Observation: observation, Err: err}}
	if api, _ := errors.AsType[*studio.Error](err); api != nil && api.RetryAfter > 0 && verdict != plan.Fail { // on Fail, the step obeys it
		q.Handoff.pause(q.Clock.Now().Add(api.RetryAfter))
	}
	switch {
	case ctx.Err() != nil:
		return followUp{Result: Result{ID: ask.id, NotAsked: true}}
	case ask.asking != nil:
		return next
	}
	switch verdict {
	case plan.Write, plan.WriteAndAskAgain:
		next.pause, next.failures = q.write(ctx, source, connection, ask, observation)
		if verdict == plan.WriteAndAskAgain && next.pause == 0 {
			next.pause = pushPause(ask.asked)
		}
	case plan.AskAgain:
		if next.pause = pushPause(ask.asked); next.pause == 0 && ask.why == plan.ExternalChange { // no poll shows the task
			q.Handoff.wantFullSync(syncstate.WantedSoon)
		}
	case plan.Poll:
		q.PollSoon()
	case plan.FullSync:
		q.SyncSoon()
	case plan.Gone:
		q.Gone(source, ask.id)
	}
	return next
}

// mayAsk reports whether Studio may be asked now. If not, a poll or a full sync will follow.
func (q *Queue) mayAsk(ask *question) bool {
	now := q.Clock.Now()
	switch ask.why {
	case plan.Pushed:
		open, wake := q.Handoff.open(now)
		if wake {
			q.source.Wake()
		}
		return open
	case plan.ExternalChange:
		if q.Handoff.leftAlone(now) {
			q.Handoff.wantFullSync(syncstate.WantedNow)
			return false
		}
	}
	return true
}

// ask gets one task from Studio. The observation is nil unless there is one.
func (q *Queue) ask(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, connection *Connection, ask *question,
) (plan.Answer, *mirror.Observation, error) {
	if ask.why == plan.Missing && !studio.Askable(ask.id) { // nobody can tell whether it is gone: it stays, and does not hold up the others
		return plan.NotShown, nil, nil
	}
	release, err := q.Gate.Acquire(ctx, q.key)
	if err != nil {
		return plan.Failed, nil, err
	}
	defer release()
	limit := min(questionTimeout, source.Spec.Timeout.Duration)
	asking, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	task, err := connection.Client.Get(asking, ask.id)
	if errors.Is(err, context.DeadlineExceeded) && asking.Err() != nil && ctx.Err() == nil { // Studio was too slow
		err = &studio.Error{Kind: studio.Unavailable, Err: err, Message: fmt.Sprintf(
			"The API did not answer in full within %s when it was asked for a single task.", limit)}
	}
	if err != nil {
		return answerOf(err), nil, err
	}
	if task.Deleted {
		return plan.Deleted, &mirror.Observation{ID: ask.id, Deleted: true}, nil
	}
	if q.Handoff.elsewhere(connection.Fingerprint, task.Project) {
		return plan.Elsewhere, nil, nil
	}
	if ask.why == plan.Pushed && q.Handoff.unlisted(connection.Fingerprint, task.Project) && q.stored(source, ask.id) == nil {
		return plan.Unplaced, nil, nil // a poll lists only tasks of the key's project
	}
	observation, err := mirror.Convert(task.Raw, connection.Redactor)
	if err != nil || observation.ID != ask.id {
		return plan.NoTask, nil, nil // no task, or another one: that says nothing about this one
	}
	if mirror.StampOf(observation).UpdatedAt < ask.wanted || ask.why == plan.ExternalChange && q.outdated(source, observation) {
		return plan.Behind, observation, nil
	}
	return plan.Found, observation, nil
}

func answerOf(err error) plan.Answer {
	api, ok := errors.AsType[*studio.Error](err)
	switch {
	case !ok:
		return plan.Failed
	case api.Kind == studio.NotFound:
		return plan.NotFound
	case api.Kind == studio.Forbidden:
		return plan.NotShown
	case api.Kind == studio.RateLimited:
		return plan.Limited
	case api.Status == http.StatusInternalServerError:
		return plan.Unreadable
	default:
		return plan.Failed
	}
}

// upToDate reports whether a poll, or another push, has already stored the change.
func (q *Queue) upToDate(source *v1alpha1.LivepeerTaskSource, id string, wanted int64) bool {
	entry := q.stored(source, id)
	return entry != nil && wanted > 0 && entry.UpdatedAt >= wanted && entry.OwnerUID == source.UID && !entry.Deleting &&
		entry.ObservedGeneration == entry.Generation
}

// outdated reports whether what is stored is newer than an answer, which then puts nothing right.
func (q *Queue) outdated(source *v1alpha1.LivepeerTaskSource, observation *mirror.Observation) bool {
	stored := q.stored(source, observation.ID)
	return stored != nil && observation.Status.UpdatedAt != nil && mirror.StampOf(observation).UpdatedAt < stored.UpdatedAt
}

// stored returns the stored task with this ID; nil if there is none.
func (q *Queue) stored(source *v1alpha1.LivepeerTaskSource, id string) *mirror.Entry {
	if entry, found := q.Index.Lookup(source.Namespace).ByID(id); found {
		return &entry
	}
	return nil
}

// write stores the task if it differs. If that failed, it returns the pause before the next attempt. Tasks that can't be mirrored are
// left to the next poll or full sync, which reports them.
func (q *Queue) write(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, connection *Connection, ask *question, observation *mirror.Observation,
) (pause time.Duration, failures int) {
	scope := q.scopeOf(source, ask, observation)
	planned := plan.Plan(scope, []*mirror.Observation{observation}, q.Index.Lookup(source.Namespace))
	out, err := q.Writer.Apply(ctx, scope, planned.Actions)
	if ask.why == plan.ExternalChange && out.Writes[plan.Create] > 0 && ask.compared != q.Handoff.comparisons() {
		q.SyncSoon() // the answer may be older than what that full sync found, which could not see the object
	}
	if ask.why == plan.ExternalChange && len(out.Refused)+len(planned.Conflicts)+len(planned.Nameless) > 0 { // no poll shows the task
		q.Handoff.wantFullSync(syncstate.WantedSoon)
	}
	logger := q.Log.WithValues("source", q.key)
	for id, refusal := range out.Refused {
		text, _ := connection.Redactor.Text(refusal.Error())
		logger.Info("The API server refuses a task", "task", id, "refusal", text)
	}
	for verb, n := range out.Writes {
		logger.V(1).Info("Task put right", "task", observation.ID, "verb", verb, "writes", n)
	}
	if len(out.Writes) > 0 && ask.why == plan.Pushed {
		q.Pushed.Observe(q.Clock.Since(ask.first).Seconds())
	}
	if len(out.Writes) > 0 && q.Index.Finished(taskstore.SourceIDOf(source)) > plan.MaxTasks(source.Spec.History) {
		q.Handoff.overfills()
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return 0, 0
	case ask.why == plan.Pushed:
		return pushPause(ask.asked), 0
	case apierrors.IsNotFound(err) || taskstore.Terminating(err): // the CRD or the namespace is missing
		q.SyncSoon()
		return 0, 0
	}
	return condition.Backoff(ask.failures+1, repairPause, maxRepairPause), ask.failures + 1
}

// scopeOf returns the scope in which a step would plan for this task. The limits of history apply only to finished tasks; one that
// somebody edited or deleted was within maxTasks.
func (q *Queue) scopeOf(source *v1alpha1.LivepeerTaskSource, ask *question, observation *mirror.Observation) plan.Scope {
	retained := q.Handoff.retained()
	of := plan.Bounds{
		Source: source, Stored: q.Index.Stored(taskstore.SourceIDOf(source)), Now: q.Clock.Now(),
		Cutoff: retained.Cutoff, NotifyAfter: retained.NotifyAfter,
	}
	finished := v1alpha1.IsFinishedPhase(observation.Status.Phase)
	if ask.why != plan.Pushed || !finished {
		scope := of.Unlimited()
		if finished {
			scope.Oldest = plan.Oldest(nil, source.Spec.History, of.Now)
		}
		return scope
	}
	scope := of.Scope([]*mirror.Observation{observation})
	// An old event may name a task that a full sync has left out. A poll, which asks only for what is new, would not see that task.
	if source.Status.Tasks.Omitted > 0 {
		oldest := plan.OldestFinished(of.Stored.Entries)
		if oldest.Compare(scope.OldestNew) > 0 {
			scope.OldestNew = oldest
		}
	}
	return scope
}

// PollSoon requests a poll, at once, in place of questions about pushed tasks.
func (q *Queue) PollSoon() {
	if q.Handoff.wantPoll() {
		q.source.Wake()
	}
}

// SyncSoon requests a full sync, in place of questions about edited tasks.
func (q *Queue) SyncSoon() {
	q.Handoff.wantFullSync(syncstate.WantedNow)
	q.source.StepSoon()
}

// Gone takes in that Studio says that a task is gone. If it is stored, a full sync comes soon, which may delete it.
func (q *Queue) Gone(source *v1alpha1.LivepeerTaskSource, id string) {
	if stored := q.stored(source, id); stored != nil && stored.OwnerUID == source.UID && !stored.Deleting {
		q.Handoff.wantFullSync(syncstate.WantedSoon)
	}
}
