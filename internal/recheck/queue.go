// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

const (
	// questionWorkers bounds the tasks of one source that are asked for at once.
	questionWorkers = 8
	// maxPushed bounds the pushed tasks of one source that wait: beyond that, one poll costs less.
	maxPushed = 200
	// A source's tasks are repaired one by one at this rate, after a burst. More are left to a full sync.
	repairRate  = 5
	repairBurst = 50
)

// question is a task to be asked for by ID.
type question struct {
	id  string
	why plan.Why

	// For a pushed task: the newest update time that a webhook named, in milliseconds since 1970; when the first delivery came; and
	// how often Studio was asked and did not show that update yet.
	wanted int64
	first  time.Time
	asked  int
	// failures counts writes that failed in a row, and compared the full syncs that had compared when Studio was asked.
	failures, compared int

	// If a step asks: its connection, and the Asking that gets the answer.
	connection *Connection
	asking     *Asking
	round      int // of asking

	paused  bool // it waits for a pause to end
	renewed int  // counts how often the task was asked for again while the question waited or was under way
}

// Result is the result of a question.
type Result struct {
	ID string
	// NotAsked: it was taken back before Studio was asked. Only ID is set then.
	NotAsked bool
	Answer   plan.Answer
	Verdict  plan.Verdict
	// Observation is nil unless there is one.
	Observation *mirror.Observation
	Err         error
}

type questionKey struct {
	id  string
	why plan.Why
}

// Queue holds the questions of a source, at most one for each task and reason, the most urgent first. No question is forgotten while
// workers run: each worker takes the next one when it is done.
type Queue struct {
	*Config

	key    types.NamespacedName
	source Source
	// Handoff is how the steps of the source and these questions inform each other.
	Handoff Handoff

	mu      sync.Mutex
	epoch   *epoch         // nil before Open
	waiting [5][]*question // by reason
	pending map[questionKey]*question
	pushed  int
	workers int
	repairs *rate.Limiter
}

// NewQueue returns the queue of a source. Its workers start once it is open.
func NewQueue(config *Config, key types.NamespacedName, source Source) *Queue {
	return &Queue{
		Config: config, key: key, source: source, pending: map[questionKey]*question{},
		repairs: rate.NewLimiter(repairRate, repairBurst),
	}
}

// Open starts the workers, once the source is known.
func (q *Queue) Open() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.epoch == nil {
		q.epoch = newEpoch(With{})
	}
	q.work()
}

// Opened reports whether Open was called.
func (q *Queue) Opened() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.epoch != nil
}

// Close cancels the questions under way, and drops those that wait.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.epoch != nil {
		q.epoch.end()
	}
	q.waiting, q.pushed = [5][]*question{}, 0
	clear(q.pending)
}

// Idle reports whether no question is under way, or waits for a worker or for a pause to end.
func (q *Queue) Idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.workers == 0 && len(q.pending) == 0
}

// Asks reports whether a task is being asked for by nobody's step. What such a question writes may be older than what a step has learned.
func (q *Queue) Asks(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending[questionKey{id, plan.ExternalChange}] != nil || q.pending[questionKey{id, plan.Pushed}] != nil
}

// Recheck queues a task to be asked for.
func (q *Queue) Recheck(id string, why plan.Why) { q.put(&question{id: id, why: why}) }

// Push queues a task that a webhook, received at that time, says was updated at updatedAt, in milliseconds since 1970.
func (q *Queue) Push(id string, updatedAt int64, received time.Time) {
	q.put(&question{id: id, why: plan.Pushed, wanted: updatedAt, first: received})
}

// put queues a question. If too many wait, the source is polled or fully synced instead.
func (q *Queue) put(ask *question) {
	switch tooMuch := q.add(ask, q.Clock.Now()); {
	case tooMuch && ask.why == plan.Pushed:
		q.PollSoon()
	case tooMuch:
		q.SyncSoon()
	}
}

// add queues a question, and reports whether it is one too many.
func (q *Queue) add(ask *question, now time.Time) (tooMuch bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ask.asking != nil {
		if ask.asking.failed {
			ask.asking.answer(Result{ID: ask.id, NotAsked: true}, ask.round)
			return false
		}
		ask.round = ask.asking.round
	}
	key := questionKey{ask.id, ask.why}
	if known, ok := q.pending[key]; ok {
		if ask.wanted > known.wanted {
			known.wanted, known.asked = ask.wanted, 0
		}
		known.connection, known.asking, known.round = ask.connection, ask.asking, ask.round
		if known.renewed++; known.paused {
			q.wait(known)
		}
		return false
	}
	switch {
	case ask.why == plan.ExternalChange && !q.repairs.AllowN(now, 1):
		return true
	case ask.why == plan.Pushed && q.pushed >= maxPushed:
		q.drop(plan.Pushed)
		return true
	case ask.why == plan.Pushed:
		q.pushed++
	}
	q.pending[key] = ask
	q.wait(ask)
	return false
}

// wait queues a question for the workers. The caller holds the lock.
func (q *Queue) wait(ask *question) {
	ask.paused = false
	q.waiting[ask.why] = append(q.waiting[ask.why], ask)
	q.work()
}

// drop forgets the questions that wait for a reason; whoever waits for their answers gets NotAsked. The caller holds the lock.
func (q *Queue) drop(why plan.Why) {
	for _, ask := range q.waiting[why] {
		q.remove(ask)
		if ask.asking != nil {
			ask.asking.answer(Result{ID: ask.id, NotAsked: true}, ask.round)
		}
	}
	q.waiting[why] = nil
}

func (q *Queue) remove(ask *question) {
	if q.pending[questionKey{ask.id, ask.why}] != ask {
		return
	}
	delete(q.pending, questionKey{ask.id, ask.why})
	if ask.why == plan.Pushed {
		q.pushed--
	}
}

// work starts workers, up to questionWorkers, for the questions that wait. The caller holds the lock.
func (q *Queue) work() {
	waiting := 0
	for _, of := range q.waiting {
		waiting += len(of)
	}
	for q.epoch != nil && q.epoch.ctx.Err() == nil && q.workers < min(questionWorkers, q.workers+waiting) {
		if !q.Run(func(engine context.Context) {
			for ask, epoch := q.next(); ask != nil; ask, epoch = q.next() {
				q.done(ask, q.within(engine, epoch, ask))
			}
		}) {
			return
		}
		q.workers++
		waiting--
	}
}

// next returns a copy of the most urgent question; nil if none waits: then the worker ends.
func (q *Queue) next() (*question, *epoch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for why := range q.waiting {
		if of := q.waiting[why]; len(of) > 0 && q.epoch.ctx.Err() == nil {
			q.waiting[why] = of[1:]
			ask := *of[0]
			q.epoch.asking.Add(1)
			return &ask, q.epoch
		}
	}
	q.workers--
	return nil, nil
}

// done takes in the result of a question. The question is queued again if it was renewed while under way, or waits for a pause to end.
func (q *Queue) done(asked *question, next followUp) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ask, ok := q.pending[questionKey{asked.id, asked.why}]
	if !ok {
		return
	}
	ask.failures = next.failures
	switch {
	case ask.renewed != asked.renewed: // this is no answer to the later question, which may be for another account
		q.wait(ask)
		return
	case next.pause > 0:
		ask.asked++
		ask.paused = true
		q.Clock.AfterFunc(next.pause, func() { q.resume(ask) })
	default:
		q.remove(ask)
	}
	if ask.asking == nil {
		return
	}
	ask.asking.answer(next.Result, ask.round)
	if ask.asking.failed { // Studio may want a pause: the step decides when to go on
		q.drop(ask.why)
	}
}

// resume queues a question again once its pause is over.
func (q *Queue) resume(ask *question) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending[questionKey{ask.id, ask.why}] == ask && ask.paused {
		q.wait(ask)
	}
}
