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
	// slots bounds what all sources together have read and not written yet, and namespaceSlots what those of one namespace have: a
	// thousand sources that begin at once would fill the memory otherwise. In memory, a task takes twice its JSON, or somewhat less.
	slots          = 128
	namespaceSlots = 32
	// keptSlots are for namespaces that have little: fewSlots, of which one is enough to go on.
	keptSlots = 32
	fewSlots  = 4
	// silence is how long an API may keep room for what it does not send, and longSilence for what it has sent: nobody writes that
	// before the rest is there.
	silence     = 2 * time.Second
	longSilence = 10 * time.Second
)

// NewGate returns the room that all sources share.
func NewGate() *fair.Gate { return fair.NewGate(slots, namespaceSlots).Keeping(keptSlots, fewSlots) }

// Share is a source's share of it. It is given back while the API says nothing, so that none which hangs takes it from others.
type Share struct {
	gate *fair.Gate
	key  types.NamespacedName

	mu   sync.Mutex
	held []func() // each gives back a slot
}

// NewShare returns the share of a source, which has no room yet.
func NewShare(gate *fair.Gate, key types.NamespacedName) *Share { return &Share{gate: gate, key: key} }

// Listener gives back room while an API says nothing.
type Listener struct {
	share          *Share
	held           atomic.Int64 // bytes of what was read, and is not written yet
	silent, longer clock.Timer
}

// Listen begins to wait for an API.
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

// On waits for more.
func (l *Listener) On(held int) {
	l.held.Store(int64(held))
	l.silent.Reset(silence)
	l.longer.Reset(longSilence)
}

// Enter waits for one slot more, and reports whether there is some before ctx ends.
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

// Fit takes room for so many bytes of JSON, and reports whether there is enough.
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

// Shrink gives back what so many bytes do not take.
func (s *Share) Shrink(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.held) > 0 && (len(s.held)-1)*slot >= size {
		s.held[len(s.held)-1]()
		s.held = s.held[:len(s.held)-1]
	}
}

// Wanted reports whether all room is taken, so that others may wait for it.
func (s *Share) Wanted() bool {
	release, ok := s.gate.TryAcquire(s.key)
	if ok {
		release()
	}
	return !ok
}
