// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"slices"
)

// page is the answer to a query.
type page struct {
	entries []*entry
	total   int // what matches, regardless of paging; only counted when asked for
}

// find answers a query over the listed tasks that mine accepts. unlimited lifts the page size.
func (s *Snapshot) find(q *query, mine func(*entry) bool, unlimited bool) page {
	list, reverse, sorted := s.candidates(q)
	need := q.skip + q.limit
	var found []*entry
	total := 0
	for i := range list {
		e := list[i]
		if reverse {
			e = list[len(list)-1-i]
		}
		if !mine(e) || !s.matches(q, e) {
			continue
		}
		total++
		if unlimited || !sorted || len(found) < need {
			found = append(found, e)
		} else if !q.count {
			break
		}
	}
	if !sorted {
		slices.SortStableFunc(found, func(a, b *entry) int { return s.compare(q, a, b) })
	}
	if !unlimited {
		found = found[min(q.skip, len(found)):min(need, len(found))]
	}
	return page{entries: found, total: total}
}

// unsortable reports whether the order asked for is one by times that a row among those that match does not have. It takes one
// such row, on whatever page.
func (s *Snapshot) unsortable(q *query, mine func(*entry) bool) bool {
	byTime := slices.ContainsFunc(q.order, func(o orderTerm) bool { return o.field == "updatedAt" || o.field == "createdAt" })
	return byTime && slices.ContainsFunc(s.byID, func(e *entry) bool { return e.unsortable && mine(e) && s.matches(q, e) })
}

func (s *Snapshot) matches(q *query, e *entry) bool {
	if q.keyset && s.collate(e.id, q.after) <= 0 {
		return false
	}
	for _, f := range q.filters {
		if !f.matches(e) {
			return false
		}
	}
	return true
}

// candidates returns a part of an index that holds all that match, in which direction to read it, and whether it is
// then in the order asked for (if not, it is still as close to it as an index gets, which makes sorting cheap).
func (s *Snapshot) candidates(q *query) (list []*entry, reverse, sorted bool) {
	recent := s.updatedRange(q)
	first := q.order[0]
	if first.field == "id" {
		rest := s.byID
		if q.keyset {
			i, found := slices.BinarySearchFunc(rest, &entry{id: q.after}, s.compareID)
			if found {
				i++
			}
			rest = rest[i:]
		}
		if len(recent) >= len(rest)/8 { // sorting a small part beats walking through everything
			return rest, first.desc, true
		}
		return recent, first.desc, false
	}
	return recent, first.desc || first.field != "updatedAt", slices.Equal(q.order, newestFirst) || slices.Equal(q.order, newestFirstByID)
}

// The orders that the byUpdated index, read backwards, is in.
var (
	newestFirst     = []orderTerm{{field: "updatedAt", desc: true}, {field: "createdAt", desc: true}}
	newestFirstByID = []orderTerm{{field: "updatedAt", desc: true}, {field: "createdAt", desc: true}, {field: "id"}}
)

// updatedRange cuts the byUpdated index to what the filters on updatedAt can match.
func (s *Snapshot) updatedRange(q *query) []*entry {
	list := s.byUpdated
	for _, f := range q.filters {
		if f.field != "updatedAt" {
			continue
		}
		if f.op == "gt" || f.op == "gte" || f.op == "=" {
			list = list[position(list, f.number, 0):]
		}
		if f.op == "lt" || f.op == "lte" || f.op == "=" {
			list = list[:position(list, f.number, -1)]
		}
	}
	return list
}

// position finds the first entry whose updatedAt is at least ms, or (tie -1) greater than ms.
func position(list []*entry, ms float64, tie int) int {
	i, _ := slices.BinarySearchFunc(list, ms, func(e *entry, ms float64) int {
		switch updated := float64(orZero(e.updated)); {
		case updated < ms:
			return -1
		case updated > ms:
			return 1
		}
		return tie
	})
	return i
}
