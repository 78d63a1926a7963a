// SPDX-License-Identifier: Apache-2.0

package studio

import "hash/maphash"

// seen is a set of ids. It holds their hashes: ids would take several times the memory.
type seen struct {
	// max is how many there may ever be, and room how many there may be now.
	max  int
	room int
	seed maphash.Seed
	ids  map[uint64]struct{}
}

func (s *seen) has(id string) bool {
	_, ok := s.ids[maphash.String(s.seed, id)]
	return ok
}

func (s *seen) add(id string) { s.ids[maphash.String(s.seed, id)] = struct{}{} }
