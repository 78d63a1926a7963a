// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"hash/maphash"
	"strings"
)

// page is what a pass keeps of one answer.
type page struct {
	// rows counts the elements that were consumed, bad those among them without a usable id, and fresh those that were
	// new to the pass.
	rows, bad, fresh int
	// whole: the answer was read to its end.
	whole bool
	// link is the cursor that the server offers for the next page, "" if none of use.
	link string
	// ends: the server says that there is no next page.
	ends bool
	etag string

	// first and last are ids, "" if there is none.
	first, last string
	// cursor is the last id that is of use as one: the server takes an id with "skip" in it for an offset.
	cursor string
	// since counts the rows behind it.
	since int
	order order
	// sum identifies the ids in their order.
	sum maphash.Hash
	// oldest is the earliest updatedAt, 0 if no task had one.
	oldest int64
}

// add takes note of a consumed task.
func (pg *page) add(t Task) {
	pg.rows++
	// maphash never fails.
	_, _ = pg.sum.WriteString(t.ID)
	_ = pg.sum.WriteByte(0)
	if pg.last == "" {
		pg.first = t.ID
	} else {
		pg.order.add(pg.last, t.ID)
	}
	if pg.last = t.ID; !strings.Contains(t.ID, "skip") {
		pg.cursor, pg.since = t.ID, 0
	} else {
		pg.since++
	}
	if t.UpdatedAt > 0 && (pg.oldest == 0 || t.UpdatedAt < pg.oldest) {
		pg.oldest = t.UpdatedAt
	}
}
