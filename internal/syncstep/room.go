// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
)

const (
	// roomBatches bounds what all full syncs together have read and not written yet, in batches, and namespaceBatches what those of
	// one namespace have: a thousand sources that begin at once would fill the memory otherwise.
	roomBatches      = 128
	namespaceBatches = 32
	// silence is how long an API may keep room for what it does not send.
	silence = 2 * time.Second
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

// enter waits for room for a batch, and reports whether there is some before ctx ends.
func (r *room) enter(ctx context.Context) bool {
	if r.fit(1) {
		return true
	}
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

// wanted reports whether others wait for room.
func (r *room) wanted() bool {
	release, ok := r.gate.TryAcquire(r.key)
	if ok {
		release()
	}
	return !ok
}
