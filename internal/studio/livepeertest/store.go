// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Snapshot is the state of a Server's tasks at one moment; see Fault.From.
type Snapshot struct {
	rows map[string]*entry // deleted ones too
	// The listed (not deleted) tasks in two orders. Both are kept sorted, so that no request has to sort them all.
	byID      []*entry
	byUpdated []*entry // oldest first: changes happen at the end, where moving is cheap
	// collate is the order of ids.
	collate func(a, b string) int
	// changed, if set, is told of every change: old is nil for a new task, changed for one that is forgotten.
	changed func(old, changed *entry)
}

func (s *Snapshot) compareID(a, b *entry) int { return s.collate(a.id, b.id) }

// compareUpdated is, read backwards, the default order of the API, with the id as the last tie-break.
func compareUpdated(a, b *entry) int {
	return cmp.Or(cmp.Compare(orZero(a.updated), orZero(b.updated)), cmp.Compare(orZero(a.created), orZero(b.created)),
		cmp.Compare(b.id, a.id))
}

// orZero is how the server sorts a time that is not there.
func orZero(ms int64) int64 {
	if ms == absent {
		return 0
	}
	return ms
}

func newSnapshot() *Snapshot {
	return &Snapshot{rows: map[string]*entry{}, collate: cmp.Compare[string]}
}

// clone is a copy that nobody is told about.
func (s *Snapshot) clone() *Snapshot {
	return &Snapshot{collate: s.collate, rows: maps.Clone(s.rows), byID: slices.Clone(s.byID), byUpdated: slices.Clone(s.byUpdated)}
}

// put stores entries, replacing those with the same id.
func (s *Snapshot) put(entries []*entry) {
	if s.changed != nil {
		for _, e := range entries {
			s.changed(s.rows[e.id], e)
		}
	}
	if len(entries) > 64 && len(entries) > len(s.rows)/16 {
		s.putMany(entries)
		return
	}
	for _, e := range entries {
		s.forget(s.rows[e.id])
		s.rows[e.id] = e
		if !e.deleted {
			s.byID = insert(s.byID, e, s.compareID)
			s.byUpdated = insert(s.byUpdated, e, compareUpdated)
		}
	}
}

// putMany sorts once: moving the tail for each of 100,000 tasks would take seconds.
func (s *Snapshot) putMany(entries []*entry) {
	for _, e := range entries {
		s.rows[e.id] = e
	}
	s.byID = s.byID[:0]
	for _, e := range s.rows {
		if !e.deleted {
			s.byID = append(s.byID, e)
		}
	}
	s.byUpdated = slices.Clone(s.byID)
	slices.SortFunc(s.byID, s.compareID)
	slices.SortFunc(s.byUpdated, compareUpdated)
}

// drop forgets the task wholly.
func (s *Snapshot) drop(id string) {
	e := s.rows[id]
	if e != nil && s.changed != nil {
		s.changed(e, nil)
	}
	s.forget(e)
}

func (s *Snapshot) forget(e *entry) {
	if e == nil {
		return
	}
	delete(s.rows, e.id)
	if !e.deleted {
		s.byID = remove(s.byID, e, s.compareID)
		s.byUpdated = remove(s.byUpdated, e, compareUpdated)
	}
}

func insert(list []*entry, e *entry, compare func(a, b *entry) int) []*entry {
	i, _ := slices.BinarySearchFunc(list, e, compare)
	return slices.Insert(list, i, e)
}

func remove(list []*entry, e *entry, compare func(a, b *entry) int) []*entry {
	i, _ := slices.BinarySearchFunc(list, e, compare)
	return slices.Delete(list, i, i+1)
}

// store is the current state, safe for concurrent use.
type store struct {
	mu      sync.RWMutex
	now     *Snapshot
	replica *replica // nil where readers see the current state
}

// view runs f on the current state, which f must neither change nor keep.
func (s *store) view(f func(*Snapshot)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f(s.now)
}

// change runs f on the current state, which f may change but not keep.
func (s *store) change(f func(*Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.now)
}

// Put adds tasks of the default user, or replaces those with the same id, as they are: no field is filled in. It panics
// if a task has no id or cannot be JSON, which is a mistake in the caller.
func (s *Server) Put(tasks ...Task) {
	entries := make([]*entry, len(tasks))
	for i, t := range tasks {
		e, err := encoded(t)
		if err != nil {
			panic("livepeertest: " + err.Error())
		}
		entries[i] = e
	}
	s.store.change(func(now *Snapshot) { now.put(entries) })
}

// PutRaw is Put for one task given as JSON, which is answered byte for byte.
func (s *Server) PutRaw(raw []byte) error {
	t, err := decode(raw)
	if err != nil {
		return err
	}
	e, err := newEntry(t, slices.Clone(raw))
	if err != nil {
		return err
	}
	s.store.change(func(now *Snapshot) { now.put([]*entry{e}) })
	return nil
}

// Update changes one task in place and reports whether there is one with that id. Nothing else moves: f sets
// status.updatedAt itself. It panics like Put.
func (s *Server) Update(id string, f func(Task)) bool {
	found := false
	s.store.change(func(now *Snapshot) {
		old := now.rows[id]
		if old == nil {
			return
		}
		t, err := decode(old.raw)
		if err == nil {
			f(t)
			var e *entry
			if e, err = encoded(t); err == nil {
				e.poison = old.poison
				if e.id != id {
					now.drop(id)
				}
				now.put([]*entry{e})
			}
		}
		if err != nil {
			panic("livepeertest: " + err.Error())
		}
		found = true
	})
	return found
}

// Delete marks a task deleted, as its owner does: it leaves the list, and asking for it by id still answers it. Its
// updatedAt does not move. It reports whether there is a task with that id.
func (s *Server) Delete(id string) bool {
	return s.Update(id, func(t Task) { t["deleted"] = true })
}

// Purge forgets a task as if it had never been.
func (s *Server) Purge(id string) {
	s.store.change(func(now *Snapshot) { now.drop(id) })
}

// Poison makes the server answer 500 to every request whose answer holds one of these tasks, as a malformed row does;
// Repair ends it.
func (s *Server) Poison(ids ...string) { s.setPoison(true, ids) }

// Repair undoes Poison.
func (s *Server) Repair(ids ...string) { s.setPoison(false, ids) }

func (s *Server) setPoison(on bool, ids []string) {
	s.store.change(func(now *Snapshot) {
		for _, id := range ids {
			if old := now.rows[id]; old != nil {
				e := *old
				e.poison = on
				now.put([]*entry{&e})
			}
		}
	})
}

// Get returns a copy of a task, deleted or not.
func (s *Server) Get(id string) (Task, bool) {
	var e *entry
	s.store.view(func(now *Snapshot) { e = now.rows[id] })
	if e == nil {
		return nil, false
	}
	t, err := decode(e.raw)
	if err != nil {
		panic("livepeertest: " + err.Error())
	}
	return t, true
}

// Len counts the tasks that are not deleted.
func (s *Server) Len() int {
	n := 0
	s.store.view(func(now *Snapshot) { n = len(now.byID) })
	return n
}

// IDs returns the ids of the tasks that are not deleted, sorted.
func (s *Server) IDs() []string {
	var ids []string
	s.store.view(func(now *Snapshot) {
		ids = make([]string, len(now.byID))
		for i, e := range now.byID {
			ids[i] = e.id
		}
	})
	return ids
}

// Reset forgets all tasks.
func (s *Server) Reset() {
	s.store.change(func(now *Snapshot) {
		for _, e := range now.rows {
			now.changed(e, nil)
		}
		*now = Snapshot{rows: map[string]*entry{}, changed: now.changed, collate: now.collate}
	})
}

// Snapshot remembers the tasks as they are now.
func (s *Server) Snapshot() *Snapshot {
	var c *Snapshot
	s.store.view(func(now *Snapshot) { c = now.clone() })
	return c
}
