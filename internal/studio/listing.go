// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
)

// mode is the way that a listing is on. See listing.
type mode int

const (
	// byID asks for the ids above the last one. Only this way misses nothing while the list changes.
	byID mode = iota
	// check looks once behind the end of a listing by id whose server has not proven to know it.
	check
	// byLink follows the cursors that the server offers.
	byLink
	// byOffset counts rows.
	byOffset
	// seek and beyond look at a single row that the server can't read. See isolation.
	seek
	beyond
)

const (
	// enoughPairs ids in their order are no accident: 2^-16 at the most, for pages of two.
	enoughPairs = 16
	// maxStale pages in a row without a new task, beyond all that was seen, are the end.
	maxStale = 3
)

// listing lists every task, from a server that honours all, some or none of the parameters. It begins by id. A server
// that ignores the order or the cursor gives itself away, and is then listed by the cursors that it offers, if they
// aren't plain offsets, and at last by offset. Neither a short page nor the Link header is an end: an empty page is,
// or pages without anything new in all of these ways.
type listing struct {
	isolation
	mode mode
	// keyset is the client's knowledge that the server pages by id.
	keyset *atomic.Bool
	// verify: have the end of a listing by id checked if need be.
	verify bool

	// last is the cursor by id: the last id that was consumed this way, "" at first.
	last string
	// bytewise and collated: the ids came in this order until now.
	bytewise, collated bool
	// paged: a page by id came in this listing, so that an error is not for want of it.
	paged bool
	// again counts the last rows that come once more, because their ids are of no use as cursors, and widest is the longest page.
	again, widest int
	// inversions counts the pairs of ids that were in no known order.
	inversions int
	// pairs is the evidence for that, and rows is how many rows were consumed by id.
	pairs, rows int

	// head is how many rows were consumed of the answer without a cursor: the other ways begin behind them.
	head int
	// headSum identifies that answer, 0 if it was not read to its end; headLink is its cursor.
	headSum  uint64
	headLink string

	// ended: the last page said that it is the last one. It is believed only where the server refuses to go on.
	ended bool

	// fellBack: by id was given up because of an error, and nothing has come of that yet.
	fellBack bool
	// link is the server's cursor, "" for the first answer.
	link string
	// linked: the server's cursors were followed to their end.
	linked bool
	// pos is how many rows were consumed since head in this mode, head included.
	pos int
	// stale counts pages by offset in a row without anything new, and prevSum identifies the last one.
	stale   int
	prevSum uint64
}

func (l *listing) ask(v url.Values) {
	v.Set("order", "id-false")
	if l.control {
		v.Set("limit", "1")
		v.Set("cursor", skip(maxTasks))
		return
	}
	v.Set("limit", strconv.Itoa(l.limit()))
	switch l.mode {
	case seek, beyond:
		l.askOne(v)
	case byID:
		if l.last != "" {
			v.Set("cursor", l.last)
		}
	case check:
		v.Set("cursor", skip(l.rows))
	case byLink:
		if l.link != "" {
			v.Set("cursor", l.link)
		}
	case byOffset:
		v.Set("cursor", skip(l.pos))
	}
}

func skip(n int) string { return "skip" + strconv.Itoa(n) }

func (l *listing) after(pg *page, seen int) bool {
	if l.control {
		l.controlled()
		return false
	}
	sum := uint64(0)
	if pg.whole {
		sum = pg.sum.Sum64()
	}
	l.ended = pg.whole && pg.ends
	if l.mode != byID {
		l.fellBack = false
	}
	l.answered(pg.rows, pg.whole)
	done := false
	switch l.mode {
	case seek, beyond:
		done = l.afterOne(pg)
	case byID:
		done = l.afterID(pg, sum)
	case check:
		done = l.afterCheck(pg, sum)
	case byLink:
		l.afterLink(pg, sum, seen)
	case byOffset:
		done = l.afterOffset(pg, sum, seen)
	}
	return done
}

func (l *listing) afterID(pg *page, sum uint64) bool {
	cursor := l.last
	if cursor == "" {
		l.head, l.headSum, l.headLink = pg.rows, sum, pg.link
	}
	l.rows += pg.rows
	l.pairs += pg.pairs
	l.bytewise = l.bytewise && !pg.unsorted && (cursor == "" || pg.first == "" || pg.first > cursor)
	l.collated = l.collated && !pg.uncollated && (cursor == "" || pg.first == "" || collation(pg.first) >= collation(cursor))
	l.inversions += pg.inversions
	if !l.ordered() && (!l.mostly() || !pg.whole || pg.fresh < pg.rows-l.again) {
		l.leaveID()
		return false
	}
	l.widest = max(l.widest, pg.rows)
	if pg.whole && pg.rows == 0 {
		// Where the first answer was not read to its end, the rest of it is owed.
		doubt := !l.ordered() || (l.verify || l.headSum == 0) && (!l.keyset.Load() || l.pairs < enoughPairs)
		if cursor == "" || !doubt {
			return true
		}
		l.mode = check
		return false
	}
	if pg.last == "" {
		return false
	}
	if pg.cursor == "" {
		return l.afterUseless(pg)
	}
	// Ids that compare equal are no progress, and could be answered for ever.
	if cursor != "" && pg.fresh == 0 && !l.bytewise && collation(pg.last) == collation(cursor) {
		l.leaveID()
		return false
	}
	if cursor != "" && pg.whole {
		l.paged = true
		l.keyset.Store(true)
	}
	l.again = 0
	if l.last = pg.cursor; pg.last != pg.cursor {
		l.again = pg.since
		l.rows -= pg.since
	}
	return false
}

// afterUseless goes on behind a page whose ids are all of no use as cursors. A page that is as short as no other one was the last.
func (l *listing) afterUseless(pg *page) bool {
	if pg.whole && pg.rows < l.widest && pg.rows < l.limit() {
		return !l.verify || l.paged
	}
	l.leaveID()
	return false
}

// ordered tells whether the ids came in an order that is known.
func (l *listing) ordered() bool { return l.bytewise || l.collated }

// mostly tells whether they came in an order much like it, as that of a database that orders by the rules of a language. Then no
// page may repeat anything, and the end is checked.
func (l *listing) mostly() bool { return l.pairs >= enoughPairs && 8*l.inversions <= l.pairs }

// afterCheck expects nothing behind the end, or the first page where offsets are ignored.
func (l *listing) afterCheck(pg *page, sum uint64) bool {
	if !pg.whole {
		return false
	}
	if !l.linkable() && (pg.rows == 0 || sum == l.headSum) {
		return true
	}
	l.leaveID()
	return false
}

// linkable tells whether the server's cursors may lead to tasks that an end by id and by offset does not show.
func (l *listing) linkable() bool { return l.headLink != "" || (l.headSum == 0 && !l.paged) }

// leaveID turns to the other ways.
func (l *listing) leaveID() {
	switch {
	case !l.linkable():
		l.startOffset()
	case l.headSum == 0:
		// The rest of the first answer may not come by any cursor.
		l.mode, l.link, l.pos = byLink, "", 0
	default:
		l.mode, l.link, l.pos = byLink, l.headLink, l.head
	}
}

func (l *listing) startOffset() {
	l.mode, l.pos = byOffset, l.head
}

func (l *listing) afterLink(pg *page, sum uint64, seen int) {
	if !pg.whole {
		// The cursor is opaque: the rest comes by asking for the same page again.
		return
	}
	behind := l.pos >= seen-pg.fresh
	l.pos += pg.rows
	if pg.rows == 0 || pg.link == "" || (pg.fresh == 0 && (behind || sum == l.headSum)) {
		l.linked = l.link != ""
		l.startOffset()
		return
	}
	l.link = pg.link
}

func (l *listing) afterOffset(pg *page, sum uint64, seen int) bool {
	// Up to as many rows as were seen, a page without anything new is one that came another way before.
	behind := l.pos >= seen-pg.fresh
	prevSum := l.prevSum
	l.pos += pg.rows
	l.prevSum = sum
	switch {
	case !pg.whole:
		return false
	case pg.rows == 0:
		return true
	case pg.fresh > 0:
		l.stale = 0
	case sum == l.headSum || sum == prevSum:
		return true
	case behind:
		l.stale++
	}
	return l.stale >= maxStale
}

func (l *listing) refused(e *Error) (bool, error) {
	if l.control {
		if e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound { // it just does not know offsets
			l.controlled()
			return false, nil
		}
		// Next time for what was asked for: the server may just not know offsets, and be well again.
		l.control, l.lost = false, true
		return false, e
	}
	done, err := false, error(e)
	if !l.isolating() {
		done, err = l.otherWay(e)
	}
	if err != nil && e.Status == http.StatusInternalServerError {
		err = l.failed(e)
	}
	return done, err
}

// otherWay turns to the next way where the server may just not know the present one.
func (l *listing) otherWay(e *Error) (bool, error) {
	invalid := e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound
	// The documented server answers 500 to a cursor that it can't read.
	unknown := invalid || e.Status == http.StatusInternalServerError
	switch {
	case l.mode == byID && l.last != "" && !l.paged && invalid:
		// A server that was known to page by id has an error of its own. If it persists, that knowledge is outdated.
		if l.keyset.Swap(false) {
			return false, e
		}
		l.fellBack = true
		l.leaveID()
		return false, nil
	case l.mode == check && invalid:
		if !l.linkable() {
			return true, nil
		}
		l.leaveID()
		return false, nil
	case l.mode == byLink && unknown:
		l.startOffset()
		return false, nil
	case l.mode == byOffset && invalid && (l.linked || l.ended):
		return true, nil
	case l.fellBack:
		l.fellBack = false
		l.mode = byID
	}
	return false, e
}
