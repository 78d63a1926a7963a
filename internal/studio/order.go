// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"strings"
	"unicode"
)

// enoughPairs ids in their order are no accident: 2^-16 at the most, for pages of two.
const enoughPairs = 16

// order is the evidence of the order in which ids came.
type order struct {
	// unsorted: two neighbours were not in the order of their bytes. uncollated: two were not in the order of a database that sorts by
	// the rules of a language.
	unsorted, uncollated bool
	// pairs counts the neighbours that were compared, and inversions those that were not in collation order.
	pairs, inversions int
}

// add takes note of an id and the one before it.
func (o *order) add(before, id string) {
	o.pairs++
	o.unsorted = o.unsorted || id <= before
	if collation(id) < collation(before) {
		o.uncollated = true
		o.inversions++
	}
}

// join adds the evidence of a page that was requested with this cursor and begins with this id; "" if there is none.
func (o *order) join(page order, cursor, first string) {
	o.pairs += page.pairs
	o.inversions += page.inversions
	bounded := cursor != "" && first != ""
	o.unsorted = o.unsorted || page.unsorted || bounded && first <= cursor
	o.uncollated = o.uncollated || page.uncollated || bounded && collation(first) < collation(cursor)
}

// known reports whether all ids came in one of the two orders.
func (o *order) known() bool { return !o.unsorted || !o.uncollated }

// mostly reports whether most ids came in collation order. Then no page may repeat anything, and the end is checked.
func (o *order) mostly() bool { return o.pairs >= enoughPairs && 8*o.inversions <= o.pairs }

// above reports whether an id comes after another one.
func (o *order) above(id, other string) bool {
	if !o.unsorted {
		return id > other
	}
	return collation(id) > collation(other)
}

// collation returns what language-aware databases compare first: letters and digits, regardless of case.
func collation(id string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, id)
}
