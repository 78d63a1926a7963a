// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// maxSeen bounds how many events are remembered, and seenFor how long: a copy that comes later is stale.
	maxSeen = 4096
	seenFor = 15 * time.Minute
)

// eventKey is a hash of an event's ID and source, since IDs may be long.
type eventKey [16]byte

// seen remembers the last events that were passed on.
type seen struct {
	mu    sync.Mutex
	at    map[eventKey]time.Time
	order [maxSeen]eventKey // a ring
	next  int
}

func newSeen() *seen { return &seen{at: map[eventKey]time.Time{}} }

// has reports whether an event was passed on lately; never, if it has no ID.
func (s *seen) has(source Source, id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[keyOf(source, id)]
	return ok && id != "" && now.Sub(at) < seenFor
}

// add notes that an event was passed on.
func (s *seen) add(source Source, id string, now time.Time) {
	key := keyOf(source, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.at[key]; !known {
		delete(s.at, s.order[s.next])
		s.order[s.next] = key
		s.next = (s.next + 1) % maxSeen
	}
	s.at[key] = now
}

func keyOf(source Source, id string) eventKey {
	sum := sha256.Sum256([]byte(source.Namespace + "/" + source.Name + "/" + id))
	return eventKey(sum[:16])
}
