// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"

	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

const (
	// maxHints bounds the tasks that wait for being asked for, and maxSourceHints those of one source: beyond that, one poll
	// costs less.
	maxHints       = 10_000
	maxSourceHints = 200
	// sourceHintWorkers bounds the workers that one source takes, whose API may hang.
	sourceHintWorkers = 6
	// hintTimeout bounds how long a worker waits for one task.
	hintTimeout = 5 * time.Second
)

var (
	errNotLeading   = errors.New("this replica does not follow sources, or not yet, or not any more")
	errTooManyHints = errors.New("too many tasks wait for being asked for")
)

// hintDelays are the pauses before a task is asked for again, because Studio's replica did not show the change yet. After the
// last, it is left to the next poll.
func hintDelays() []time.Duration {
	return []time.Duration{150 * time.Millisecond, 600 * time.Millisecond, 2400 * time.Millisecond}
}

// hint is a task that Studio says has changed.
type hint struct {
	wanted int64     // the newest update that was named, in milliseconds since 1970
	first  time.Time // when the first delivery came
	asked  int       // how often Studio was asked, and did not know of it yet
	news   int       // counts deliveries
}

// sourceHints are those of one source.
type sourceHints struct {
	pending map[string]*hint // by task ID
	working int
	waiting []taskRequest // taken up while all workers of this source were busy
}

// hints are the tasks that are pushed, each once. They are in the queue of single tasks as well, which decides when each has
// its turn. Nothing depends on them: a poll covers what is forgotten here.
type hints struct {
	mu      sync.Mutex
	queue   workqueue.TypedRateLimitingInterface[taskRequest]
	sources map[types.NamespacedName]*sourceHints
	total   int
}

func newHints() *hints { return &hints{sources: map[types.NamespacedName]*sourceHints{}} }

// start opens the table, once this replica leads.
func (h *hints) start(queue workqueue.TypedRateLimitingInterface[taskRequest]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue = queue
}

// started reports whether hints are taken in.
func (h *hints) started() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.queue != nil && !h.queue.ShuttingDown()
}

// offer takes in what was pushed. Where there is too much for one source, all of its hints are dropped, and tooMuch says
// that it has to be polled instead.
func (h *hints) offer(pushed *webhook.Hint) (tooMuch bool, err error) {
	request := taskRequest{Namespace: pushed.Source.Namespace, Source: pushed.Source.Name, ID: pushed.TaskID, Pushed: true}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.queue == nil || h.queue.ShuttingDown() {
		return false, errNotLeading
	}
	of := h.of(request.source())
	known, ok := of.pending[request.ID]
	switch {
	case ok:
		if pushed.UpdatedAt > known.wanted {
			known.wanted, known.asked = pushed.UpdatedAt, 0
		}
		known.news++
	case len(of.pending) >= maxSourceHints:
		h.drop(of)
		return true, nil
	case h.total >= maxHints:
		return false, errTooManyHints
	default:
		of.pending[request.ID] = &hint{wanted: pushed.UpdatedAt, first: pushed.Received}
		h.total++
	}
	h.queue.Add(request)
	return false, nil
}

// take returns the hint for a request, for a worker that then calls done. There is none where it was dropped, or where this
// source has its share of the workers: then it has its turn when one of them is done.
func (h *hints) take(request taskRequest) (hint, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of, ok := h.sources[request.source()]
	if !ok {
		return hint{}, false
	}
	known, ok := of.pending[request.ID]
	if !ok {
		return hint{}, false
	}
	if of.working >= sourceHintWorkers {
		of.waiting = append(of.waiting, request)
		return hint{}, false
	}
	of.working++
	return *known, true
}

// done takes back a hint. behind says that Studio did not know of the change yet; again is the pause after which it should be
// asked once more, 0 for not.
func (h *hints) done(request taskRequest, taken hint, behind bool) (again time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.of(request.source())
	of.working--
	if len(of.waiting) > 0 {
		h.queue.Add(of.waiting[0])
		of.waiting = of.waiting[1:]
	}
	known, ok := of.pending[request.ID]
	delays := hintDelays()
	switch {
	case !ok:
	case known.news != taken.news: // it was pushed again meanwhile, and is in the queue again
	case behind && known.asked < len(delays):
		again = delays[known.asked]
		known.asked++
	default:
		delete(of.pending, request.ID)
		h.total--
	}
	h.tidy(request.source(), of)
	return again
}

// forget drops all hints of a source.
func (h *hints) forget(source types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if of, ok := h.sources[source]; ok {
		h.drop(of)
		h.tidy(source, of)
	}
}

// of returns the hints of a source. The caller holds the lock.
func (h *hints) of(source types.NamespacedName) *sourceHints {
	of, ok := h.sources[source]
	if !ok {
		of = &sourceHints{pending: map[string]*hint{}}
		h.sources[source] = of
	}
	return of
}

// drop forgets what waits. The caller holds the lock.
func (h *hints) drop(of *sourceHints) {
	h.total -= len(of.pending)
	clear(of.pending)
	of.waiting = nil
}

// tidy forgets a source that has no hints. The caller holds the lock.
func (h *hints) tidy(source types.NamespacedName, of *sourceHints) {
	if len(of.pending) == 0 && of.working == 0 {
		delete(h.sources, source)
	}
}
