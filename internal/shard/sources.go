// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"iter"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Sources is the set of sources that this operator serves, while others serve the rest. An unknown source may belong to another
// operator: its tasks are neither read nor written. Nil serves all sources.
type Sources struct {
	mu   sync.Mutex
	uids map[types.NamespacedName]types.UID
}

// NewSources returns an empty set.
func NewSources() *Sources { return &Sources{uids: map[types.NamespacedName]types.UID{}} }

// Meet adds a source of this shard; served: some operator has served it before. It reports whether that was another one: then this one does
// not know what has become of its tasks.
func (s *Sources) Meet(source types.NamespacedName, uid types.UID, served bool) (fromAnother bool) {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.uids[source] == uid
	s.uids[source] = uid
	return !known && served
}

// Leave removes a source that has left this shard, or was deleted.
func (s *Sources) Leave(source types.NamespacedName) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uids, source)
}

// Serves reports whether a source is this shard's.
func (s *Sources) Serves(source types.NamespacedName) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.uids[source]
	return known
}

// All yields the sources of this shard, with their UIDs.
func (s *Sources) All() iter.Seq2[types.NamespacedName, types.UID] {
	return func(yield func(types.NamespacedName, types.UID) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for source, uid := range s.uids {
			if !yield(source, uid) {
				return
			}
		}
	}
}
