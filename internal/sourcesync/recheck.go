// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"errors"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

const (
	// questionTimeout bounds how long Studio may take to answer about one task.
	questionTimeout = 30 * time.Second
	// Pauses between attempts to store a task that is put right.
	repairPause    = time.Second
	maxRepairPause = 5 * time.Minute
)

// followUp is what becomes of a question that was asked.
type followUp struct {
	result

	pause    time.Duration // after which it is to be asked again; 0 for not
	failures int
}

// pushPause is the pause before a pushed task is asked for again, because Studio's replica did not show the change yet. After the
// last, it is left to the next poll.
func pushPause(asked int) time.Duration {
	pauses := [...]time.Duration{150 * time.Millisecond, 600 * time.Millisecond, 2400 * time.Millisecond}
	if asked < len(pauses) {
		return pauses[asked]
	}
	return 0
}

// look asks Studio for one task, and does what plan.Recheck says of the answer. What a step asked for is the step's to do.
func (s *Source) look(ctx context.Context, ask *question) followUp {
	s.mu.Lock()
	source := s.spec
	s.mu.Unlock()
	if !s.mayAsk(ask) {
		return followUp{}
	}
	connection := ask.connection
	if connection == nil {
		var err error
		if connection, err = s.engine.Connect(ctx, source); err != nil {
			if ask.why == plan.ExternalChange {
				s.syncInstead() // the source's condition names the trouble; its next full sync puts the task right
			}
			return followUp{}
		}
	}
	if ask.why == plan.Pushed && s.upToDate(source, ask.id, ask.wanted) {
		return followUp{}
	}
	answer, observation, err := s.ask(ctx, source, connection, ask)
	verdict := plan.Recheck(ask.why, answer)
	next := followUp{result: result{id: ask.id, answer: answer, verdict: verdict, observation: observation, err: err}}
	if ask.answered != nil || ctx.Err() != nil {
		return next
	}
	if api, _ := errors.AsType[*studio.Error](err); api != nil && api.RetryAfter > 0 {
		s.shared.tell(s.engine.Clock.Now().Add(api.RetryAfter))
	}
	switch verdict {
	case plan.Write, plan.WriteAndAskAgain:
		next.pause, next.failures = s.write(ctx, source, connection, ask, observation)
		if verdict == plan.WriteAndAskAgain && next.pause == 0 {
			next.pause = pushPause(ask.asked)
		}
	case plan.AskAgain:
		next.pause = pushPause(ask.asked)
	case plan.Poll:
		s.pollInstead()
	case plan.FullSync:
		s.syncInstead()
	}
	return next
}

// mayAsk reports whether Studio may be asked now. Where it may not be, a poll or a full sync will follow.
func (s *Source) mayAsk(ask *question) bool {
	now := s.engine.Clock.Now()
	switch ask.why {
	case plan.Pushed:
		open, wake := s.shared.open(now)
		if wake {
			s.engine.Wake(s.key)
		}
		return open
	case plan.ExternalChange:
		if s.shared.leftAlone(now) {
			s.resync.Store(true)
			return false
		}
	}
	return true
}

// ask gets one task from Studio. The observation is nil unless there is one.
func (s *Source) ask(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, connection *Connection, ask *question,
) (plan.Answer, *mirror.Observation, error) {
	release, err := s.engine.questions.Acquire(ctx, s.key)
	if err != nil {
		return plan.Failed, nil, err
	}
	defer release()
	asking, cancel := context.WithTimeout(ctx, min(questionTimeout, source.Spec.Timeout.Duration))
	defer cancel()
	task, err := connection.Client.Get(asking, ask.id)
	if err != nil {
		return answerOf(err), nil, err
	}
	if task.Deleted {
		return plan.Deleted, &mirror.Observation{ID: ask.id, Deleted: true}, nil
	}
	if s.shared.elsewhere(connection.Fingerprint, task.Project) {
		return plan.Elsewhere, nil, nil
	}
	observation, err := mirror.Convert(task.Raw, connection.Redactor)
	if err != nil || observation.ID != ask.id {
		return plan.NoTask, nil, nil // an answer about no task, or another one, says nothing about this one
	}
	if mirror.StampOf(observation).UpdatedAt < ask.wanted {
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

// upToDate reports whether a poll, or another push, has brought the change already.
func (s *Source) upToDate(source *v1alpha1.LivepeerTaskSource, id string, wanted int64) bool {
	lookup := s.engine.Index.Lookup(source.Namespace)
	for _, name := range mirror.Names(id) {
		if entry, ok := lookup(name); ok && entry.ID == id {
			return wanted > 0 && entry.UpdatedAt >= wanted && entry.OwnerUID == source.UID && !entry.Deleting &&
				entry.ObservedGeneration == entry.Generation
		}
	}
	return false
}

// write stores what differs of a task. It returns after which pause to ask again, where that failed. What can't be mirrored is
// left to the polls, which name it.
func (s *Source) write(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, connection *Connection, ask *question, observation *mirror.Observation,
) (pause time.Duration, failures int) {
	scope := s.scopeOf(source, ask, observation)
	planned := plan.Plan(scope, []*mirror.Observation{observation}, s.engine.Index.Lookup(source.Namespace))
	for i := range planned.Actions {
		if planned.Actions[i].Verb == plan.Create {
			s.shared.wrote(observation.ID, false) // before it is stored: a full sync may look for it at once
		}
	}
	out, err := s.engine.Writer.Apply(ctx, scope, planned.Actions)
	logger := s.engine.Log.WithValues("source", s.key)
	for id, refusal := range out.Refused {
		text, _ := connection.Redactor.Text(refusal.Error())
		logger.Info("The API server refuses a task", "task", id, "refusal", text)
	}
	for verb, n := range out.Writes {
		logger.V(1).Info("Task put right", "task", observation.ID, "verb", verb, "writes", n)
	}
	if len(out.Writes) > 0 && ask.why == plan.Pushed {
		s.engine.Pushed.Observe(s.engine.Clock.Since(ask.first).Seconds())
	}
	if len(out.Writes) > 0 {
		s.shared.wrote("", s.engine.Index.Finished(taskstore.SourceIDOf(source)) > plan.MaxTasks(source.Spec.History))
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return 0, 0
	case ask.why == plan.Pushed:
		return pushPause(ask.asked), 0
	case apierrors.IsNotFound(err) || taskstore.Terminating(err): // what it would be in is missing: the CRD or the namespace
		s.syncInstead()
		return 0, 0
	}
	return condition.Backoff(ask.failures+1, repairPause, maxRepairPause), ask.failures + 1
}

// scopeOf is the scope in which a step would plan for this task. History matters to finished ones only, and not to what somebody
// deleted: that was within its limits.
func (s *Source) scopeOf(source *v1alpha1.LivepeerTaskSource, ask *question, observation *mirror.Observation) plan.Scope {
	of := scopes{
		source: source, index: s.engine.Index, now: s.engine.Clock.Now(), floor: s.shared.floorNow(), news: s.shared.newsNow(),
	}
	finished := v1alpha1.IsFinishedPhase(observation.Status.Phase)
	if ask.why != plan.Pushed || !finished {
		scope := of.unlimited()
		if finished {
			scope.Oldest = plan.Oldest(nil, source.Spec.History, of.now)
		}
		return scope
	}
	scope := of.scope([]*mirror.Observation{observation})
	// An old event may name what a full sync has left out. A poll, which asks for what is new, would not meet it.
	if source.Status.Tasks.Omitted > 0 {
		oldest := oldestFinished(s.engine.Index.Entries(taskstore.SourceIDOf(source)))
		if oldest.Compare(scope.OldestNew) > 0 {
			scope.OldestNew = oldest
		}
	}
	return scope
}

// pollInstead leaves what is pushed to a poll, at once.
func (s *Source) pollInstead() {
	if s.shared.want() {
		s.engine.Wake(s.key)
	}
}

// syncInstead leaves what is to be put right to a full sync.
func (s *Source) syncInstead() {
	s.resync.Store(true)
	s.poke()
}
