// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"hash/maphash"
	"net/http"
	"strings"
)

// page is what a pass keeps of one answer.
type page struct {
	// rows counts the elements that were consumed, bad those among them without a usable id, and fresh those that were
	// new to the pass.
	rows, bad, fresh int
	// whole: the answer was read to its end.
	whole bool
	// link is the cursor that the server offers for the next page, "" if there is no usable one.
	link string
	// ends: the server says that there is no next page.
	ends bool
	etag string

	// first and last are ids, "" if there is none.
	first, last string
	// cursor is the last id that can be a cursor: the server takes an id with "skip" in it for an offset.
	cursor string
	// since counts the rows behind that id.
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

// maxTag is the longest ETag that is kept, in bytes: servers make it of a hash. Each source at rest keeps one.
const maxTag = 256

// tagOf returns the ETag of an answer, "" if it has no usable one.
func tagOf(h http.Header) string {
	tag := h.Get("ETag")
	if len(tag) > maxTag || strings.ContainsFunc(tag, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return tag
}
