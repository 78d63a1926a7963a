// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// maxAsking bounds the questions of one Asking that wait for a worker or are under way.
const maxAsking = 100

// Asking is what a step asks for by ID, several at once. Answers are kept until they are taken, also from one step to the next. Once a
// question has failed, no more of them are asked until the step gives up.
type Asking struct {
	queue      *Queue
	why        plan.Why
	connection *Connection
	open       int         // questions whose answer was not taken yet
	answers    chan Result // nil before the first question: most full syncs ask none, and 1,000 sources can be at theirs at once

	// The queue's lock guards what follows.
	round  int  // counts how often a step gave up
	failed bool // since then
}

// NewAsking returns an Asking that has asked nothing yet.
func (q *Queue) NewAsking(why plan.Why, connection *Connection) *Asking {
	return &Asking{queue: q, why: why, connection: connection}
}

// Room reports whether one more question may be asked.
func (a *Asking) Room() bool { return a.open < maxAsking }

// Open reports whether answers are still to come.
func (a *Asking) Open() bool { return a.open > 0 }

// Ask has a task asked for. There has to be room.
func (a *Asking) Ask(id string) {
	a.open++
	if a.answers == nil {
		a.answers = make(chan Result, maxAsking)
	}
	a.queue.put(&question{id: id, why: a.why, connection: a.connection, asking: a})
}

// answer takes in what came of a question that was asked in a round. A failure says nothing new where the step gave up since. The caller
// holds the queue's lock.
func (a *Asking) answer(r Result, round int) {
	switch {
	case r.Verdict == plan.Fail && round != a.round:
		r = Result{ID: r.ID, NotAsked: true}
	case r.Verdict == plan.Fail:
		a.failed = true
	}
	select {
	case a.answers <- r:
	default: // more than one for a task, which was asked for again
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

// Come returns an answer that is there already.
func (a *Asking) Come() (result Result, ok bool) {
	select {
	case result = <-a.answers:
		a.open--
		return result, true
	default:
		return Result{}, false
	}
}

// Stop takes back what Studio was not asked yet: the answer says so.
func (a *Asking) Stop() {
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	a.queue.drop(a.why)
}

// GiveUp does the same after a failure. What else fails of what is under way is part of that.
func (a *Asking) GiveUp() {
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	a.queue.drop(a.why)
	a.round++
	a.failed = false
}
