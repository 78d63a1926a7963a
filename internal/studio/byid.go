// SPDX-License-Identifier: Apache-2.0

package studio

// ids is the progress of a listing by id.
type ids struct {
	// last is the cursor: the last id that was consumed this way, "" at first.
	last  string
	order order
	// paged: the server has answered a page by id in this listing, so that an error does not mean that it can't.
	paged bool
	// again counts the last rows, which come once more because their ids can't be cursors; widest is the length of the longest page.
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
		// If the first answer was not read to its end, the rest of it is still missing.
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
	// Ids that compare equal are no progress: the server could return them for ever.
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

// afterUseless goes on behind a page none of whose ids can be a cursor. If the page is shorter than an earlier one, it is taken for the
// last. If it is not proven that the server pages by id, the end is checked first. The page is not asked for again: it would come for ever.
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
