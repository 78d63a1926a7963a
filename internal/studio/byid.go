// SPDX-License-Identifier: Apache-2.0

package studio

// ids is how far a listing by id is.
type ids struct {
	// last is the cursor: the last id that was consumed this way, "" at first.
	last  string
	order order
	// paged: a page by id came in this listing, so that an error is not for want of it.
	paged bool
	// again counts the last rows that come once more, because their ids are of no use as cursors, and widest is the longest page.
	again, widest int
	// rows is how many were consumed by id.
	rows int
}

func (l *listing) afterID(pg *page, sum uint64) bool {
	cursor := l.ids.last
	if cursor == "" {
		l.head = head{rows: pg.rows, sum: sum, link: pg.link}
	}
	l.ids.rows += pg.rows
	l.ids.order.join(pg.order, cursor, pg.first)
	if !l.ids.order.known() && (!l.ids.order.mostly() || !pg.whole || pg.fresh < pg.rows-l.ids.again) {
		l.leaveID()
		return false
	}
	l.ids.widest = max(l.ids.widest, pg.rows)
	if pg.whole && pg.rows == 0 {
		// Where the first answer was not read to its end, the rest of it is owed.
		doubt := !l.ids.order.known() || (l.verify || l.head.sum == 0) && (!l.keyset.Load() || l.ids.order.pairs < enoughPairs)
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
	if cursor != "" && pg.fresh == 0 && l.ids.order.unsorted && collation(pg.last) == collation(cursor) {
		l.leaveID()
		return false
	}
	if cursor != "" && pg.whole {
		l.ids.paged = true
		l.keyset.Store(true)
	}
	l.ids.again = 0
	if l.ids.last = pg.cursor; pg.last != pg.cursor {
		l.ids.again = pg.since
		l.ids.rows -= pg.since
	}
	return false
}

// afterUseless goes on behind a page whose ids are all of no use as cursors. A page that is as short as no other one was the last. Where
// nothing has proven that the server pages by id, that is checked: asked for once more, the page would come again, for ever.
func (l *listing) afterUseless(pg *page) bool {
	switch {
	case !pg.whole || pg.rows >= l.ids.widest || pg.rows >= l.limit():
		l.leaveID()
	case !l.verify || l.ids.paged:
		return true
	default:
		l.mode = check
	}
	return false
}
