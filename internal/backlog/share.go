// SPDX-License-Identifier: Apache-2.0

package backlog

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
	// slot is the unit of room, in bytes of JSON: some 80 tasks.
	slot = 256 << 10
	// slots bounds what all sources together have read and not written yet, and namespaceSlots the same for one namespace: otherwise, a
	// thousand sources that begin at once would fill the memory. In memory, a task takes up to twice the size of its JSON.
	slots          = 128
	namespaceSlots = 32
	// keptSlots are for namespaces that hold fewer than fewSlots; one slot is enough to go on.
	keptSlots = 32
	fewSlots  = 4
	// silence is how long a source may keep empty room while its API sends nothing, and longSilence how long also the room of what was
	// read: that is not written before the rest of the answer has come.
	silence     = 2 * time.Second
	longSilence = 10 * time.Second
)

// NewGate returns the room that all sources share.
func NewGate() *fair.Gate { return fair.NewGate(slots, namespaceSlots).Keeping(keptSlots, fewSlots) }

// Share is a source's share of the room. It is given back while the API sends nothing, so that APIs that hang take no room from others.
type Share struct {
	gate *fair.Gate
	key  types.NamespacedName

	mu   sync.Mutex
	held []func() // one for each slot, gives it back
}

// NewShare returns the share of a source, which has no room yet.
func NewShare(gate *fair.Gate, key types.NamespacedName) *Share { return &Share{gate: gate, key: key} }

// Listener gives back room while an API sends nothing.
type Listener struct {
	share          *Share
	held           atomic.Int64 // bytes that were read, and are not written yet
	silent, longer clock.Timer
}

// Listen begins to wait for an API, with held bytes that were read before.
func (s *Share) Listen(by clock.WithDelayedExecution, held int) *Listener {
	l := &Listener{share: s}
	l.held.Store(int64(held))
	l.silent = by.AfterFunc(silence, func() { s.Shrink(int(l.held.Load())) })
	l.longer = by.AfterFunc(longSilence, func() { s.Shrink(0) })
	return l
}

// Heard notes that the API has sent something.
func (l *Listener) Heard() {
	l.silent.Stop()
	l.longer.Stop()
}

// On goes on waiting for the API.
func (l *Listener) On(held int) {
	l.held.Store(int64(held))
	l.silent.Reset(silence)
	l.longer.Reset(longSilence)
}

// Enter waits for one more slot, and reports whether it got one before ctx ended.
func (s *Share) Enter(ctx context.Context) bool {
	release, err := s.gate.Acquire(ctx, s.key)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, release)
	return true
}

// Fit takes room until it holds enough for size bytes of JSON, and reports whether that succeeded.
func (s *Share) Fit(size int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.held)*slot < size {
		release, ok := s.gate.TryAcquire(s.key)
		if !ok {
			return false
		}
		s.held = append(s.held, release)
	}
	return true
}

// Shrink gives back the room that size bytes do not need.
func (s *Share) Shrink(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.held) > 0 && (len(s.held)-1)*slot >= size {
		s.held[len(s.held)-1]()
		s.held = s.held[:len(s.held)-1]
	}
}

// Wanted reports whether no room is left for the source: then others may be waiting for room.
func (s *Share) Wanted() bool {
	release, ok := s.gate.TryAcquire(s.key)
	if ok {
		release()
	}
	return !ok
}
