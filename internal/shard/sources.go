// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"iter"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Sources are those that this operator serves where others serve the rest. A source that it does not know may be another's, and says
// nothing about its tasks: they are neither looked at nor written. Nil serves all sources.
type Sources struct {
	mu   sync.Mutex
	uids map[types.NamespacedName]types.UID
}

// NewSources knows of no source yet.
func NewSources() *Sources { return &Sources{uids: map[types.NamespacedName]types.UID{}} }

// Meet takes in a source of this shard, which was served before, or never yet. It reports whether another operator has served it until now:
// what became of its tasks meanwhile is not known here.
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

// Leave notes that a source is not this shard's any more, or gone.
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

// All yields the sources that were met and have not left, with their UIDs.
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
