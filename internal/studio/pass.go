// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"time"
)

const (
	// defaultLimit is the largest page that the API gives.
	defaultLimit = 1000
	// maxTasks bounds one pass: nobody mirrors more, so a server with more makes tasks up.
	maxTasks = 1_000_000
	// maxProjects bounds the projects that are remembered. A key sees one.
	maxProjects = 100
	// clockSkew is how far a task's time may be ahead of the server's clock.
	clockSkew = time.Minute
)

var (
	errTooMany = errors.New("too many tasks")
	errAllBad  = errors.New("none of its elements is a task with an id")
	errNoRoom  = errors.New("no room for more tasks")
)

// Query says which tasks a pass lists.
type Query struct {
	// UpdatedSince lists only tasks updated at or after this time, in milliseconds since 1970. 0 lists every task. A
	// server that can't filter returns all tasks nevertheless. Without Whole, the pass skips the final checks that a pass
	// over every task makes, because it is meant to be repeated all the time.
	UpdatedSince int64
	// CreatedSince lists only tasks created at or after this time, in milliseconds since 1970, if UpdatedSince is 0.
	CreatedSince int64
	// Whole is for a pass that must not miss a task within these times: it makes the final checks, and sends no conditional
	// request.
	Whole bool
	// NewestFirst lists the most recently updated tasks first, and may end before all were listed: it is a quick look
	// before a complete pass. UpdatedSince does not apply.
	NewestFirst bool
	// Limit is how many tasks to ask for in one request; the default is 1000. The server may return fewer.
	Limit int
	// FirstLimit is the same for the first request of a listing newest first; the default is Limit.
	FirstLimit int
	// Room is called before each further RoomOf tasks are listed, but not before the first: a pass remembers each task, in some 15 bytes.
	// If it returns false, Next returns an error, and the pass may go on later. nil: there is room for all.
	Room func() bool
}

// RoomOf is how many tasks a pass lists for each call of Query.Room.
const RoomOf = 1 << 14

// Pass is one listing of tasks. It is not safe for concurrent use.
type Pass struct {
	client *Client
	query  Query
	way    way
	list   *listing // the way, if it is one
	seen   seen

	// projects are the projects of the listed tasks; "" for tasks without one.
	projects map[string]struct{}

	// filter: ask the server for UpdatedSince or CreatedSince.
	filter bool
	// asked: the first request was sent.
	asked bool
	// pages counts the answers that held a list.
	pages int
	bad   int
	// began is the server's time of its first list, in milliseconds since 1970.
	began  int64
	newest int64
	done   bool
	// single is that of the first answer. It becomes the client's validator if there turns out to be only one page.
	single validator
}

// way is how a pass gets from one page to the next.
type way interface {
	// ask adds what the next request asks for.
	ask(url.Values)
	// after takes note of a page, or of the part of it that was read, and reports whether the listing is complete. seen counts
	// the tasks of the pass so far.
	after(pg *page, seen int) bool
	// refused takes note of an error answer. It returns the error if there is no other way to go on, and whether the
	// listing is complete without what was refused.
	refused(e *Error) (bool, error)
}

// NewPass begins a listing. It sends nothing.
func (c *Client) NewPass(q Query) *Pass {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	p := &Pass{
		client: c, query: q,
		seen:     seen{max: maxTasks, room: RoomOf, seed: maphash.MakeSeed(), ids: map[uint64]struct{}{}},
		projects: map[string]struct{}{},
		filter:   (q.UpdatedSince > 0 || q.CreatedSince > 0) && !q.NewestFirst,
	}
	if q.NewestFirst {
		p.way = &newestFirst{first: cmp.Or(q.FirstLimit, q.Limit), limit: q.Limit}
	} else {
		p.list = &listing{
			isolation: isolation{full: q.Limit, few: q.UpdatedSince > 0 && !q.Whole},
			keyset:    &c.keyset, verify: q.Whole || q.UpdatedSince <= 0 && q.CreatedSince <= 0,
		}
		p.way = p.list
	}
	return p
}

// Done reports whether the listing is complete.
func (p *Pass) Done() bool { return p.done }

// Seen reports whether the task was consumed in this pass.
func (p *Pass) Seen(id string) bool { return p.seen.has(id) }

// Rooms returns how often Query.Room has granted room.
func (p *Pass) Rooms() int { return p.seen.room/RoomOf - 1 }

// Bad returns how many elements without a usable id were skipped.
func (p *Pass) Bad() int { return p.bad }

// Unreadable returns how many rows were left out because every request for them failed.
func (p *Pass) Unreadable() int {
	if p.list == nil {
		return 0
	}
	return p.list.skipped()
}

// Projects returns the projects of the listed tasks, "" for tasks without one; nil if there are too many.
func (p *Pass) Projects() map[string]struct{} {
	if len(p.projects) >= maxProjects {
		return nil
	}
	return p.projects
}

// Newest returns the latest updatedAt, in milliseconds since 1970, 0 if there was none. It counts tasks of the first answer, and of
// later ones only times up to that of the first: what changes behind the listing's back must not move a watermark. A time more than
// a minute in the server's future does not count either, because it would hide all changes until then.
func (p *Pass) Newest() int64 { return p.newest }

// Next sends one HTTP request and yields each task of the answer that was not yielded before. If yield returns
// false, Next ends early, and that task and all after it come again in a later Next. A page without tasks need not
// be the end: see Done. The error is an *Error or that of ctx; the pass can go on after it, and yields no task twice.
func (p *Pass) Next(ctx context.Context, yield func(Task) bool) error {
	if p.done {
		return nil
	}
	target := p.target()
	// Only the first request is conditional: it asks for all that changed. Requests that examine single rows do not.
	plain, etag := !p.asked && p.filter && !p.query.Whole, ""
	if p.asked = true; plain {
		etag = p.client.validatorFor(target)
	}
	pg := &page{}
	err := p.client.do(ctx, target, etag, func(resp *http.Response) error {
		if resp.StatusCode == http.StatusNotModified && etag != "" {
			// An earlier pass has yielded all changes.
			p.done = true
			return nil
		}
		if resp.StatusCode != http.StatusOK {
			return p.client.refused(resp, "")
		}
		return p.read(resp, pg, yield)
	})
	switch {
	case p.done:
		return nil
	case err == nil || pg.rows > 0:
		p.take(pg)
		if plain && err == nil {
			p.single = validator{url: target, etag: pg.etag}
		}
		return err
	default:
		return p.failed(err)
	}
}

// target is the URL of the next request.
func (p *Pass) target() string {
	v := url.Values{}
	if p.filter && (p.list == nil || !p.list.control) {
		field, since := p.query.since()
		v.Set("filters", timeFilter(field, "gte", since))
	}
	p.way.ask(v)
	return p.client.list(v)
}

// list returns the URL of a part of the list.
func (c *Client) list(v url.Values) string { return c.base + "/task?" + v.Encode() }

// since returns which time of tasks is filtered, and from when on.
func (q Query) since() (field string, ms int64) {
	if q.UpdatedSince <= 0 {
		return "createdAt", max(0, q.CreatedSince)
	}
	return "updatedAt", q.UpdatedSince
}

func timeFilter(field, op string, ms int64) string {
	return fmt.Sprintf(`[{"id":%q,"value":{%q:%d}}]`, field, op, ms)
}

// read reads one answer and yields its tasks.
func (p *Pass) read(resp *http.Response, pg *page, yield func(Task) bool) error {
	pg.link, pg.ends = linkCursor(resp.Header.Values("Link")), linkEnds(resp.Header.Values("Link"))
	pg.etag = tagOf(resp.Header)
	pg.sum.SetSeed(p.seen.seed)
	latest := p.began // for the first answer somewhat later: the server's time has whole seconds only
	if p.pages == 0 { // no other says when the listing began: a proxy's error page has the proxy's time
		p.began = serverTime(resp.Header).UnixMilli()
		latest = p.began + clockSkew.Milliseconds()
	}
	b := newBody(resp.Body)
	var over error
	whole, err := p.client.splitter(resp, b).list(func(raw []byte) bool {
		t, ok := parseTask(raw)
		if !ok {
			pg.rows++
			pg.bad++
			return true
		}
		if !p.seen.has(t.ID) {
			if over = p.makeRoom(); over != nil || !yield(t) {
				return false
			}
			p.seen.add(t.ID)
			pg.fresh++
		}
		pg.add(t)
		if len(p.projects) < maxProjects {
			p.projects[t.Project] = struct{}{}
		}
		if t.UpdatedAt <= latest {
			p.newest = max(p.newest, t.UpdatedAt)
		}
		return true
	})
	switch {
	case over != nil:
		err = over
	case whole && pg.rows > 0 && pg.rows == pg.bad:
		// There is no id to go on from: the same page is requested again.
		pg.rows = 0
		err = errAllBad
	}
	if err != nil {
		return p.client.unreadable(resp, b, aList, err)
	}
	pg.whole = whole
	return nil
}

// makeRoom sees to it that one task more can be remembered.
func (p *Pass) makeRoom() error {
	switch {
	case len(p.seen.ids) >= p.seen.max:
		return errTooMany
	case len(p.seen.ids) < p.seen.room:
		return nil
	case p.query.Room != nil && !p.query.Room():
		return errNoRoom
	}
	p.seen.room += RoomOf
	return nil
}

// serverTime returns the time of an answer by the server's clock.
func serverTime(h http.Header) time.Time {
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return now
}

// take takes note of what was read of an answer.
func (p *Pass) take(pg *page) {
	// If the server repeats a page, its bad elements were counted before.
	if pg.fresh > 0 || p.pages == 0 {
		p.bad += pg.bad
	}
	p.pages++
	p.done = p.way.after(pg, len(p.seen.ids))
	if p.pages > 1 && (!p.done || pg.rows > 0) {
		p.single = validator{}
	}
}

// Stored notes that all that the pass has yielded is stored: the same answer need not be read again.
func (p *Pass) Stored() {
	if p.pages == 2 && p.single.etag != "" {
		p.client.remember(p.single)
	}
}

// failed takes note of a request that brought nothing, and returns its error unless there is another way to go on.
func (p *Pass) failed(err error) error {
	p.single = validator{} // there may be more pages, which can't be read
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	if e.Status == http.StatusBadRequest && p.filter && p.pages == 0 && (p.list == nil || !p.list.control) {
		p.filter = false
		return nil
	}
	p.done, err = p.way.refused(e)
	return err
}

// validatorFor returns the ETag of an earlier answer to the same request, "" if there is none.
func (c *Client) validatorFor(target string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unchanged.url != target {
		return ""
	}
	return c.unchanged.etag
}

func (c *Client) remember(v validator) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unchanged = v
}
