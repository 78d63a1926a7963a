// SPDX-License-Identifier: Apache-2.0

package livepeertest

import "time"

// replica is a copy of the tasks that is behind by a fixed time.
type replica struct {
	behind time.Duration
	state  *Snapshot
	coming []step // what the copy does not have yet, the oldest first
}

// step is one change of a task.
type step struct {
	at           time.Time
	old, changed *entry // changed is nil for a task that was forgotten
}

// Lag makes every read be answered from a replica that is behind by d; 0 ends that. The state of now is what the replica
// starts with.
func (s *Server) Lag(d time.Duration) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.replica = nil
	if d > 0 {
		s.store.replica = &replica{behind: d, state: s.store.now.clone()}
	}
}

// catchUp makes the changes that are old enough by now.
func (r *replica) catchUp(now time.Time) {
	due := 0
	var batch []*entry // put at once: one by one takes long where they are many
	for due < len(r.coming) && !now.Before(r.coming[due].at.Add(r.behind)) {
		if e := r.coming[due].changed; e != nil {
			batch = append(batch, e)
		} else {
			r.state.put(batch)
			batch = batch[:0]
			r.state.drop(r.coming[due].old.id)
		}
		due++
	}
	r.state.put(batch)
	r.coming = r.coming[due:]
}

// read runs f on what readers get to see, which f must neither change nor keep.
func (s *Server) read(f func(*Snapshot)) {
	s.store.mu.RLock()
	lagging := s.store.replica != nil
	s.store.mu.RUnlock()
	if !lagging {
		s.store.view(f)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.replica == nil {
		f(s.store.now)
		return
	}
	s.store.replica.catchUp(s.clock())
	f(s.store.replica.state)
}
