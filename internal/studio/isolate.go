// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"cmp"
	"math"
	"net/url"
)

const (
	// freeFailures is how many failures in a row may be followed by another request at once, if the server has answered before them.
	freeFailures = 3
	// manyForFew rows are asked for where few are expected.
	manyForFew = 16
	// maxSeek requests look for the place of a row that can't be read.
	maxSeek = 64
)

// isolation gets a listing past rows that the server can't read: it answers 500 to every page that holds one. Smaller
// pages return all rows before it, and a cursor that counts rows leads past it.
type isolation struct {
	// full is the limit of a page while nothing is wrong.
	full int
	// few: not many rows are expected, as in a listing of changes.
	few bool
	// control: the next request asks for a page without rows, to see whether the server answers. If it does not, there is an outage.
	control bool
	// lost: the server contradicts itself, so that its next error ends the request.
	lost bool
	// suspects is how many of the next rows may hold a bad one, 0 while nothing is wrong.
	suspects int
	// credit is how many more failures may be followed by a request at once, before the server has to prove that it answers.
	credit int
	// runs are the rows that were left out of a listing by id.
	runs []run
	// skippedByID and skippedByOffset count the rows that were left out. A listing by offset comes to the same rows again.
	skippedByID, skippedByOffset int

	one oneRow
}

// oneRow is the search for a single row that can't be read.
type oneRow struct {
	// resume is the mode that the listing was in.
	resume mode
	// suspect is the place of the row in question, at that of the row asked for, and tries counts the requests.
	suspect, at, tries int
	// Rows up to low were read before, and those from high on were not, as far as was asked.
	low, high int
	// probe is the place of a row that is asked for to see whether the server answers, once at is not sure to be bad.
	probe int
}

// limit is how many rows to ask for: halves, so that a row is found in few requests.
func (i *isolation) limit() int {
	if i.suspects == 0 {
		return i.full
	}
	return max(1, i.suspects/2)
}

// controlled takes note of an answer that shows that the server is well.
func (i *isolation) controlled() { i.control, i.credit = false, freeFailures }

// answered takes note of an answer with so many rows.
func (i *isolation) answered(rows int, whole bool) {
	if i.suspects == 0 {
		return
	}
	i.credit = freeFailures
	if i.suspects -= rows; i.suspects < 0 || (whole && rows == 0) {
		i.suspects = 0
	}
}

// skipped counts the rows that were left out.
func (i *isolation) skipped() int { return max(i.skippedByID, i.skippedByOffset) }

// isolating reports whether a single row is being examined.
func (l *listing) isolating() bool { return l.mode == seek || l.mode == beyond }

// failed takes note of an answer 500 that otherWay could not avoid. The error is nil if the next request may follow
// at once: a search for unreadable rows is no outage, and needs no pause.
func (l *listing) failed(e *Error) error {
	switch limit := l.limit(); {
	case l.isolating():
		l.failedOne()
	case limit > 1 && l.mode == byID && l.ids.last != "" && !l.ids.paged:
		l.suspects = 1 // first of all, to see whether the server accepts ids as cursors
	case limit > manyForFew && l.few:
		l.suspects = manyForFew
	case limit > 1:
		l.suspects = limit
	default:
		l.suspects = max(1, l.suspects)
		l.startSeek()
	}
	switch {
	case l.credit > 0:
		l.credit--
		return nil
	case l.lost, e.RetryAfter > 0:
		l.lost = false
		return e
	}
	l.control = true
	return nil
}

// startSeek begins to examine a single row that can't be read. A cursor that counts rows leads past it. But in a listing by id, rows that
// were deleted or inserted since have shifted the count: there, the place behind the last row is found first.
func (l *listing) startSeek() {
	l.one.resume, l.one.tries = l.mode, 0
	switch {
	case l.mode == byOffset:
		l.startBeyond(l.pos)
	case l.mode == byID && (l.ids.last == "" || !l.ids.order.known()):
		l.startBeyond(l.ids.rows)
	case l.mode == byID:
		l.mode, l.one.at = seek, l.ids.rows-1
		l.one.low, l.one.high = -1, math.MaxInt
	default:
		l.leaveID()
	}
}

// startBeyond begins to go past the row at this place.
func (l *listing) startBeyond(suspect int) {
	l.mode = beyond
	l.one.suspect, l.one.at, l.one.probe = suspect, suspect, suspect
	if !l.certain() {
		l.one.probe++
	}
}

// askOne sets the query of a request for a single row.
func (l *listing) askOne(v url.Values) {
	at := l.one.at
	if l.mode == beyond {
		at = l.one.probe
	}
	v.Set("limit", "1")
	v.Set("cursor", skip(at))
}

// afterOne takes note of an answer about a single row.
func (l *listing) afterOne(pg *page) bool {
	l.credit = freeFailures
	switch {
	case !pg.whole && pg.rows == 0:
	case l.mode == beyond && l.one.probe > l.one.at: // the server answers: now a failure for that row would prove that it is bad
		l.one.probe = l.one.at
	case l.mode == beyond && l.one.at > l.one.suspect:
		return l.goOn(pg)
	case l.mode == beyond:
		l.readable()
	case pg.rows == 0 || l.ids.order.above(pg.first, l.ids.last):
		l.one.high = min(l.one.high, l.one.at)
		l.narrow()
	default:
		l.one.low = max(l.one.low, l.one.at)
		l.narrow()
	}
	return false
}

// readable ends the search: the row can be read after all.
func (l *listing) readable() {
	l.mode, l.credit, l.lost = l.one.resume, 0, true // another failure now is a failure of the server
	if l.mode == byID && l.ids.last != "" && !l.ids.paged {
		l.leaveID() // the server may not understand the cursor instead
	}
}

// narrow chooses the next place to ask for, or ends the search for the place behind the last row.
func (l *listing) narrow() {
	switch {
	case l.one.low+1 == l.one.high:
		l.startBeyond(l.one.high)
	case l.one.low >= l.one.high: // rows have shifted meanwhile
		l.one.low, l.one.high = -1, math.MaxInt
	case l.one.low < 0:
		l.one.at = l.one.high - 1
	default:
		l.one.at = l.one.low + 1
	}
	l.sought()
}

// failedOne takes note that a single row can't be read.
func (l *listing) failedOne() {
	switch {
	case l.mode == seek: // it is the row in question, or deletions have shifted another one there
		l.one.high = min(l.one.high, l.one.at)
		l.narrow()
		return
	case l.certain() && l.one.probe == l.one.at:
		l.one.at++
		l.one.probe = l.one.at
	default:
		l.one.probe++
	}
	l.sought()
}

// certain reports whether the server has just answered another request.
func (l *listing) certain() bool { return l.credit >= freeFailures-1 }

// sought counts the requests of a search, and gives it up after too many.
func (l *listing) sought() {
	if l.one.tries++; l.one.tries >= maxSeek {
		l.mode, l.suspects, l.credit, l.lost = l.one.resume, 0, 0, true
	}
}

// goOn goes on behind the rows that are given up.
func (l *listing) goOn(pg *page) bool {
	l.mode = l.one.resume
	l.suspects = max(0, l.suspects-1)
	if l.mode == byOffset {
		l.skippedByOffset += l.one.at - l.one.suspect
		l.pos = l.one.at + pg.rows
	} else {
		l.skippedByID += l.one.at - l.one.suspect
		l.runs = append(l.runs, run{after: l.ids.last, before: pg.first, rows: l.one.at - l.one.suspect})
		l.ids.rows, l.ids.last = l.one.at+pg.rows, cmp.Or(pg.last, l.ids.last)
	}
	return pg.rows == 0
}
