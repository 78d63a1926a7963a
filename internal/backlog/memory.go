// SPDX-License-Identifier: Apache-2.0

package backlog

import "github.com/livepeer/livepeer-task-operator/internal/fair"

// memories bounds the tasks that the listings of all sources remember to have met, and namespaceMemories those of one
// namespace, in slots of studio.RoomOf tasks: 4 and 1 million, in 60 and 15 MiB. Otherwise, servers that make up tasks without end
// would fill the memory.
const (
	memories          = 256
	namespaceMemories = 64
	// keptMemories slots are for namespaces whose listings hold few: with fewMemories slots, and what needs no room, 80,000 tasks.
	keptMemories = 64
	fewMemories  = 4
)

// NewMemory returns the room that all sources share for what their listings remember.
func NewMemory() *fair.Gate {
	return fair.NewGate(memories, namespaceMemories).Keeping(keptMemories, fewMemories)
}

// More takes one more slot, and reports whether there was one.
func (s *Share) More() bool {
	release, ok := s.gate.TryAcquire(s.key)
	if ok {
		s.mu.Lock()
		s.held = append(s.held, release)
		s.mu.Unlock()
	}
	return ok
}

// Keep gives back all but the given number of slots.
func (s *Share) Keep(slots int) { s.Shrink(slots * slot) }
