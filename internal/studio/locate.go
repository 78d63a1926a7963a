// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxRun bounds the rows of a run whose ids are searched for.
const maxRun = 8

// run is one unreadable row or several neighbours, in the order of ids.
type run struct {
	// after and before are the ids around them, "" for none.
	after, before string
	rows          int
}

// window limits a request to tasks with a time in a range. The zero window does not limit it.
type window struct {
	field    string
	from, to int64 // milliseconds since 1970; to may be 0 for no end
}

// Locate finds the ids of the rows that the pass left out because the server can't read them, as many as can be found. The server does not
// name such a row. But a request for one row behind any id fails if the next row is unreadable: since ids are UUIDs, a binary search finds
// the row's id. Neighbours are told apart by their times. known are ids of unreadable rows, which are tried first. The error is
// an *Error or that of ctx, of a request that got no answer.
func (p *Pass) Locate(ctx context.Context, known []string) (ids []string, err error) {
	if p.list == nil {
		return nil, nil
	}
	w := window{}
	if field, since := p.query.since(); p.filter && since > 0 {
		w = window{field: field, from: since}
	}
	for i := range p.list.runs {
		some, err := p.client.locate(ctx, &p.list.runs[i], w, known)
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	return ids, nil
}

// locate finds the ids of the rows of a run.
func (c *Client) locate(ctx context.Context, run *run, w window, known []string) ([]string, error) {
	after, before := uuidNumber(run.after, 0), uuidNumber(run.before, 1)
	if after == nil || before == nil || run.rows > maxRun {
		return nil, nil
	}
	l := &locator{ctx: ctx, client: c, run: run, after: after, before: before}
	if ids := l.among(known, w); ids != nil || l.err != nil {
		return ids, l.err
	}
	if run.rows == 1 {
		l.bisect(w)
	} else {
		if w.field == "" {
			w.field = "createdAt"
		}
		w.to = time.Now().Add(24 * time.Hour).UnixMilli()
		l.split(w)
	}
	return l.ids, l.err
}

// locator looks for the rows of one run.
type locator struct {
	ctx           context.Context //nolint:containedctx // Of one call of Locate.
	client        *Client
	run           *run
	after, before *big.Int
	ids           []string
	err           error
}

// among returns the ids of the run if all of them are known; nil otherwise.
func (l *locator) among(known []string, w window) []string {
	var ids []string
	for _, id := range known {
		if n := uuidNumber(id, 0); n != nil && n.Cmp(l.after) > 0 && n.Cmp(l.before) < 0 && l.bad(n.Sub(n, big.NewInt(1)), w) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if len(ids) != l.run.rows || l.err != nil || l.bad(uuidNumber(ids[len(ids)-1], 0), w) {
		return nil
	}
	return ids
}

// split halves the window until each part has a single time, and finds one row in it.
func (l *locator) split(w window) {
	switch {
	case l.err != nil || len(l.ids) >= l.run.rows || !l.bad(l.after, w):
	case w.from == w.to:
		l.bisect(w)
	default:
		early, late := w, w
		early.to = w.from + (w.to-w.from)/2
		late.from = early.to + 1
		l.split(early)
		l.split(late)
	}
}

// bisect finds the id of the last row in the window, and keeps it if a request by id confirms that the row can't be read.
func (l *locator) bisect(w window) {
	low, high := l.after, l.before
	for one := big.NewInt(1); l.err == nil; {
		middle := new(big.Int).Add(low, high)
		if middle.Rsh(middle, 1); new(big.Int).Sub(high, low).Cmp(one) <= 0 {
			break
		}
		if l.bad(middle, w) {
			low = middle
		} else {
			high = middle
		}
	}
	if l.err != nil {
		return
	}
	id := uuidText(high)
	_, err := l.client.Get(l.ctx, id)
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusInternalServerError {
		l.ids = append(l.ids, id)
	}
}

// bad reports whether the first row with a greater id can't be read.
func (l *locator) bad(after *big.Int, w window) bool {
	if l.err != nil {
		return false
	}
	v := url.Values{}
	v.Set("order", "id-false")
	v.Set("limit", "1")
	v.Set("cursor", uuidText(after))
	switch {
	case w.to > 0:
		v.Set("filters", fmt.Sprintf(`[{"id":%q,"value":{"gte":%d,"lte":%d}}]`, w.field, w.from, w.to))
	case w.field != "":
		v.Set("filters", timeFilter(w.field, "gte", w.from))
	}
	err := l.client.do(l.ctx, l.client.list(v), "", func(resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return l.client.refused(resp, "")
		}
		return nil
	})
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusInternalServerError {
		return true
	}
	l.err = err
	return false
}

const uuidBytes = 16

// uuidNumber reads a UUID as a number. "" is the smallest or, with atEnd 1, one more than the largest; nil is no UUID.
func uuidNumber(id string, atEnd uint) *big.Int {
	if id == "" {
		end := new(big.Int).Lsh(big.NewInt(int64(atEnd)), uuidBytes*8) //nolint:gosec // 0 or 1.
		return end.Sub(end, big.NewInt(int64(atEnd)))                  //nolint:gosec // 0 or 1.
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(id, "-", ""), 16)
	if !ok || n.Sign() < 0 || uuidText(n) != id {
		return nil
	}
	return n
}

func uuidText(n *big.Int) string {
	if n.BitLen() > uuidBytes*8 {
		return ""
	}
	hex := fmt.Sprintf("%032x", n)
	return strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-")
}
