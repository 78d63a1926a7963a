// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
)

// mode is the way in which a listing gets its pages. See listing.
type mode int

const (
	// byID asks for ids above the last one. Only this way misses nothing while the list changes.
	byID mode = iota
	// check looks once behind the end of a listing by id, if the server has not proven that it pages by id.
	check
	// byLink follows the cursors that the server offers.
	byLink
	// byOffset counts rows.
	byOffset
	// seek and beyond examine a single row that the server can't read. See isolation.
	seek
	beyond
)

// pastAll is an offset behind any list.
const pastAll = 5_000_000

// maxStale is how many pages in a row without a new task, behind all that was seen, are taken for the end.
const maxStale = 3

// head is the answer to the request without a cursor. Ways other than by id go on behind it.
type head struct {
	// rows is how many were consumed of it.
	rows int
	// sum identifies it, 0 if it was not read to its end; link is its cursor.
	sum  uint64
	link string
}

// listing lists every task, from a server that honours all, some or none of the parameters. It begins by id. Its pages
// show whether a server ignores the order or the cursor; such a one is listed by the cursors that it offers, if they
// aren't plain offsets, and at last by offset. Neither a short page nor the Link header is an end: an empty page is,
// or pages without anything new in all of these ways.
type listing struct {
	isolation
	mode mode
	// keyset is the client's knowledge that the server pages by id.
	keyset *atomic.Bool
	// verify: check the end of a listing by id if in doubt.
	verify bool

	ids  ids
	head head

	// ended: the last page said that it is the last one. That is believed only if the server refuses to go on.
	ended bool

	// fellBack: listing by id was given up because of an error, and no other way has brought a page yet.
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
		v.Set("cursor", skip(pastAll))
		return
	}
	v.Set("limit", strconv.Itoa(l.limit()))
	switch l.mode {
	case seek, beyond:
		l.askOne(v)
	case byID:
		if l.ids.last != "" {
			v.Set("cursor", l.ids.last)
		}
	case check:
		v.Set("cursor", skip(l.ids.rows))
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

// afterCheck expects nothing behind the end, or the first page if the server ignores offsets.
func (l *listing) afterCheck(pg *page, sum uint64) bool {
	if !pg.whole {
		return false
	}
	if !l.linkable() && (pg.rows == 0 || sum == l.head.sum) {
		return true
	}
	l.leaveID()
	return false
}

// linkable reports whether the server's own cursors may lead to tasks that neither ids nor offsets have shown.
func (l *listing) linkable() bool { return l.head.link != "" || (l.head.sum == 0 && !l.ids.paged) }

// leaveID turns to the other ways.
func (l *listing) leaveID() {
	switch {
	case !l.linkable():
		l.startOffset()
	case l.head.sum == 0:
		// The rest of the first answer may not come by any cursor.
		l.mode, l.link, l.pos = byLink, "", 0
	default:
		l.mode, l.link, l.pos = byLink, l.head.link, l.head.rows
	}
}

func (l *listing) startOffset() {
	l.mode, l.pos = byOffset, l.head.rows
}

func (l *listing) afterLink(pg *page, sum uint64, seen int) {
	if !pg.whole {
		// The cursor is opaque: the rest comes by asking for the same page again.
		return
	}
	behind := l.pos >= seen-pg.fresh
	l.pos += pg.rows
	if pg.rows == 0 || pg.link == "" || (pg.fresh == 0 && (behind || sum == l.head.sum)) {
		l.linked = l.link != ""
		l.startOffset()
		return
	}
	l.link = pg.link
}

func (l *listing) afterOffset(pg *page, sum uint64, seen int) bool {
	// Before as many rows as were seen, a page without anything new may have come by another way before.
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
	case sum == l.head.sum || sum == prevSum:
		return true
	case behind:
		l.stale++
	}
	return l.stale >= maxStale
}

func (l *listing) refused(e *Error) (bool, error) {
	if l.control {
		if e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound { // it merely does not know offsets
			l.controlled()
			return false, nil
		}
		// The next request asks for rows again: the server may merely not know offsets, and be well again.
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

// otherWay turns to the next way if the server may merely not know the present one.
func (l *listing) otherWay(e *Error) (bool, error) {
	invalid := e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound
	// The documented server answers 500 to a cursor that it can't read.
	unknown := invalid || e.Status == http.StatusInternalServerError
	switch {
	case l.mode == byID && l.ids.last != "" && !l.ids.paged && invalid:
		// A server that is known to page by id has another error. If the error persists, that knowledge is outdated.
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
