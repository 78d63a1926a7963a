// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
)

const (
	// roomBatches bounds what all full syncs together have read and not written yet, in batches, and namespaceBatches what those of
	// one namespace have: a thousand sources that begin at once would fill the memory otherwise.
	roomBatches      = 128
	namespaceBatches = 32
	// silence is how long an API may keep room for what it does not send, and longSilence for what it has sent: nobody writes that
	// before the rest is there.
	silence     = 2 * time.Second
	longSilence = 10 * time.Second
)

// NewRoom returns the room that all sources share for what was read and not written yet.
func NewRoom() *fair.Gate { return fair.NewGate(roomBatches, namespaceBatches) }

// room is a source's share of it. It is given back while the API says nothing, so that none which hangs takes it from others.
type room struct {
	gate *fair.Gate
	key  types.NamespacedName

	mu      sync.Mutex
	batches []func() // each gives back room for a batch
}

// listener gives back room while an API says nothing.
type listener struct {
	room           *room
	held           atomic.Int64 // tasks that were read, and are not written yet
	silent, longer clock.Timer
}

// listen begins to wait for an API.
func (r *room) listen(by clock.WithDelayedExecution, held int) *listener {
	l := &listener{room: r}
	l.held.Store(int64(held))
	l.silent = by.AfterFunc(silence, func() { r.shrink(int(l.held.Load())) })
	l.longer = by.AfterFunc(longSilence, func() { r.shrink(0) })
	return l
}

// heard notes that the API has sent something.
func (l *listener) heard() {
	l.silent.Stop()
	l.longer.Stop()
}

// on waits for more.
func (l *listener) on(held int) {
	l.held.Store(int64(held))
	l.silent.Reset(silence)
	l.longer.Reset(longSilence)
}

// enter waits for room for one batch more, and reports whether there is some before ctx ends.
func (r *room) enter(ctx context.Context) bool {
	release, err := r.gate.Acquire(ctx, r.key)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, release)
	return true
}

// fit takes room for so many tasks, and reports whether there is enough.
func (r *room) fit(tasks int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.batches)*batchSize < tasks {
		release, ok := r.gate.TryAcquire(r.key)
		if !ok {
			return false
		}
		r.batches = append(r.batches, release)
	}
	return true
}

// shrink gives back what so many tasks do not take.
func (r *room) shrink(tasks int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.batches) > 0 && (len(r.batches)-1)*batchSize >= tasks {
		r.batches[len(r.batches)-1]()
		r.batches = r.batches[:len(r.batches)-1]
	}
}

// wanted reports whether all room is taken, so that others may wait for it.
func (r *room) wanted() bool {
	release, ok := r.gate.TryAcquire(r.key)
	if ok {
		release()
	}
	return !ok
}
