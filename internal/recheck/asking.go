// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// maxAsking bounds the questions of one Asking that wait for a worker or are under way.
const maxAsking = 100

// Asking is a set of questions of a step: tasks that are asked for by ID, several at once. Answers are kept until they are taken, also
// from one step to the next. Once a question has failed, no more are asked until the step calls GiveUp.
type Asking struct {
	queue      *Queue
	why        plan.Why
	connection *Connection
	open       int         // questions whose answers were not taken yet
	answers    chan Result // nil before the first question: most full syncs ask none, and 1,000 sources can be at theirs at once

	// The queue's lock guards what follows.
	round  int  // counts the calls of GiveUp
	failed bool // a question has failed since the last of them
}

// NewAsking returns an Asking that has asked nothing yet.
func (q *Queue) NewAsking(why plan.Why, connection *Connection) *Asking {
	return &Asking{queue: q, why: why, connection: connection}
}

// Room reports whether one more question may be asked.
func (a *Asking) Room() bool { return a.open < maxAsking }

// Open reports whether answers are still to come.
func (a *Asking) Open() bool { return a.open > 0 }

// Ask queues a question. There has to be room.
func (a *Asking) Ask(id string) {
	a.open++
	if a.answers == nil {
		a.answers = make(chan Result, maxAsking)
	}
	a.queue.put(&question{id: id, why: a.why, connection: a.connection, asking: a})
}

// answer takes in the result of a question of a round. A failure from before the last GiveUp says nothing new. The caller holds the
// queue's lock.
func (a *Asking) answer(r Result, round int) {
	switch {
	case r.Verdict == plan.Fail && round != a.round:
		r = Result{ID: r.ID, NotAsked: true}
	case r.Verdict == plan.Fail:
		a.failed = true
	}
	select {
	case a.answers <- r:
	default: // a second answer for a task that was asked for again
	}
}

// Next waits for an answer. It returns false where something more urgent is due first.
func (a *Asking) Next(ctx context.Context, until <-chan time.Time) (result Result, ok bool, err error) {
	select {
	case result = <-a.answers:
		a.open--
		return result, true, nil
	case <-until:
		return Result{}, false, nil
	case <-ctx.Done():
		return Result{}, false, ctx.Err()
	}
}

// Come returns an answer if there is one already.
func (a *Asking) Come() (result Result, ok bool) {
	select {
	case result = <-a.answers:
		a.open--
		return result, true
	default:
		return Result{}, false
	}
}

// Stop takes back the questions that were not sent to Studio yet: their results have NotAsked.
func (a *Asking) Stop() {
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	a.queue.drop(a.why)
}

// GiveUp does the same after a failure. Questions under way that also fail count as part of that failure.
func (a *Asking) GiveUp() {
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	a.queue.drop(a.why)
	a.round++
	a.failed = false
}
