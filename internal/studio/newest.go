// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// newestFirst lists the most recently updated tasks first. At any difficulty it just ends: a complete
// listing follows.
type newestFirst struct {
	// first is how many tasks the first request asks for, and limit how many the others do.
	first, limit int
	// skip is how many tasks are left out at first.
	skip int
	// oldest is the earliest update consumed so far, in milliseconds since 1970, 0 at first.
	oldest int64
}

func (n *newestFirst) ask(v url.Values) {
	v.Set("order", "updatedAt-true,id-false")
	limit := n.limit
	if n.oldest == 0 {
		limit = n.first
	}
	v.Set("limit", strconv.Itoa(limit))
	if n.skip > 0 {
		v.Set("cursor", skip(n.skip))
	}
	if n.oldest > 0 {
		v.Set("filters", timeFilter("updatedAt", "lte", n.oldest))
	}
}

func (n *newestFirst) after(pg *page, _ int) bool {
	falls := pg.oldest > 0 && (n.oldest == 0 || pg.oldest < n.oldest)
	if falls {
		n.oldest = pg.oldest
	}
	return pg.whole && (pg.fresh == 0 || !falls)
}

func (n *newestFirst) refused(e *Error) (bool, error) {
	// One row without a usable time makes the server answer 500 to every page in this order.
	if (n.oldest > 0 || n.skip > 0) && e.Status == http.StatusBadRequest || e.Status == http.StatusInternalServerError {
		return true, nil
	}
	return false, e
}

// HasMore reports whether Studio lists more than so many tasks.
func (c *Client) HasMore(ctx context.Context, tasks int) (bool, error) {
	pass := c.NewPass(Query{NewestFirst: true, Limit: 1})
	pass.way = &newestFirst{first: 1, limit: 1, skip: tasks}
	err := pass.Next(ctx, func(Task) bool { return true })
	return len(pass.seen.ids) > 0, err
}
