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
	// A source's tasks are put right one by one at this rate. More than the burst at once are left to a full sync.
	repairRate  = 5
	repairBurst = 50
)

// question is a task that is to be asked for by ID.
type question struct {
	id  string
	why plan.Why

	// Of what was pushed: the newest update that was named, in milliseconds since 1970, when the first delivery came, and how
	// often Studio was asked and did not know of it yet.
	wanted int64
	first  time.Time
	asked  int
	// failures counts writes that failed in a row.
	failures int

	// connection is that of the step which asks, if one does, and asking is told what came of it.
	connection *Connection
	asking     *Asking
	round      int // of asking

	paused  bool // it waits for a pause to end
	renewed int  // counts how often it was asked for again while it waited or was under way
}

// Result is what came of a question.
type Result struct {
	ID string
	// NotAsked: it was taken back before Studio was asked. Nothing else is set then.
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

// Queue holds the tasks of a source that are to be asked for, each once for each reason, the most urgent first. Nothing that
// waits here can be forgotten while anything of the source is under way: whoever is done takes the next.
type Queue struct {
	*Config

	key    types.NamespacedName
	source Source
	// Handoff is what the steps of the source and these questions tell each other.
	Handoff Handoff

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // Of all of a source's questions, which end with it.
	end     context.CancelFunc
	waiting [5][]*question // by reason
	pending map[questionKey]*question
	pushed  int
	workers int
	repairs *rate.Limiter
}

// NewQueue returns the queue of a source. It works on what waits once it is open.
func NewQueue(config *Config, key types.NamespacedName, source Source) *Queue {
	return &Queue{
		Config: config, key: key, source: source, pending: map[questionKey]*question{},
		repairs: rate.NewLimiter(repairRate, repairBurst),
	}
}

// Open begins to work on what waits, once the source is known.
func (q *Queue) Open() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx == nil {
		q.ctx, q.end = context.WithCancel(context.Background())
	}
	q.work()
}

// Opened reports whether what waits is worked on.
func (q *Queue) Opened() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ctx != nil
}

// Close ends what is under way, and drops all that waits.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end != nil {
		q.end()
	}
	q.waiting, q.pushed = [5][]*question{}, 0
	clear(q.pending)
}

// Idle reports whether nothing waits, for a worker or for a pause to end, or is under way.
func (q *Queue) Idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.workers == 0 && len(q.pending) == 0
}

// Recheck has a task asked for.
func (q *Queue) Recheck(id string, why plan.Why) { q.put(&question{id: id, why: why}) }

// Push has a task asked for that Studio says has changed, at this time in milliseconds since 1970. received is when it said so.
func (q *Queue) Push(id string, updatedAt int64, received time.Time) {
	q.put(&question{id: id, why: plan.Pushed, wanted: updatedAt, first: received})
}

// put lets a question wait. Where there is too much, the source is polled or listed instead.
func (q *Queue) put(ask *question) {
	switch tooMuch := q.add(ask, q.Clock.Now()); {
	case tooMuch && ask.why == plan.Pushed:
		q.PollSoon()
	case tooMuch:
		q.SyncSoon()
	}
}

// add lets a question wait, and reports whether it is one too many.
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

// wait lets a question wait for a worker. The caller holds the lock.
func (q *Queue) wait(ask *question) {
	ask.paused = false
	q.waiting[ask.why] = append(q.waiting[ask.why], ask)
	q.work()
}

// drop forgets what waits for a reason, and says so to whoever waits for an answer. The caller holds the lock.
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

// work lets as many work as there is work for. The caller holds the lock.
func (q *Queue) work() {
	waiting := 0
	for _, of := range q.waiting {
		waiting += len(of)
	}
	for q.ctx != nil && q.ctx.Err() == nil && q.workers < min(questionWorkers, q.workers+waiting) {
		ctx := q.ctx
		if !q.Run(func(engine context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(engine, cancel)()
			for ask := q.next(); ask != nil; ask = q.next() {
				q.done(ask, q.contained(ctx, ask))
			}
		}) {
			return
		}
		q.workers++
		waiting--
	}
}

// next returns a copy of the most urgent question, nil where none waits: then the worker ends.
func (q *Queue) next() *question {
	q.mu.Lock()
	defer q.mu.Unlock()
	for why := range q.waiting {
		if of := q.waiting[why]; len(of) > 0 && q.ctx.Err() == nil {
			q.waiting[why] = of[1:]
			ask := *of[0]
			return &ask
		}
	}
	q.workers--
	return nil
}

// done takes in what came of a question. It waits again, where it was asked for again while it was under way, or for a pause.
func (q *Queue) done(asked *question, next followUp) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ask, ok := q.pending[questionKey{asked.id, asked.why}]
	if !ok {
		return
	}
	ask.failures = next.failures
	switch {
	case ask.renewed != asked.renewed: // this answer is none to whoever asked since, who may have asked another account
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
	if ask.asking.failed { // Studio may want to be left alone: whoever asked decides when to go on
		q.drop(ask.why)
	}
}

// resume lets a question wait for a worker again, once its pause is over.
func (q *Queue) resume(ask *question) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending[questionKey{ask.id, ask.why}] == ask && ask.paused {
		q.wait(ask)
	}
}
