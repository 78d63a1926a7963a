// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Fault is what goes wrong with one request. The zero Fault is none; fields can be combined.
type Fault struct {
	// Delay passes before the server looks at its tasks. It ends early when the client leaves.
	Delay time.Duration
	// From, if set, is the older state that the request is answered from, as by a lagging replica.
	From *Snapshot
	// Query, if set, changes what the server takes the query to be.
	Query func(url.Values)
	// Unlimited lifts the page size: one array with all that matches.
	Unlimited bool
	// Edit, if set, changes the answer.
	Edit func(*http.Request, *Answer)
	// Cut resets the connection after CutAfter bytes of the body.
	Cut      bool
	CutAfter int
	// Drip, if above 0, sends the body in pieces of that many bytes with a Pause before each.
	Drip  int
	Pause time.Duration
	// Stream, if set, writes the body instead: one that is too large to be kept. It may end early when a write fails.
	Stream func(io.Writer)
}

// Fault switches faults on: pick is called for every request, and says what goes wrong with it. nil switches them off.
func (s *Server) Fault(pick func(*http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = pick
}

// Always picks f for every request.
func Always(f Fault) func(*http.Request) Fault {
	return func(*http.Request) Fault { return f }
}

// First picks f for the first n requests.
func First(n int, f Fault) func(*http.Request) Fault {
	var seen atomic.Int64
	return func(*http.Request) Fault {
		if seen.Add(1) > int64(n) {
			return Fault{}
		}
		return f
	}
}

// OnLists picks f for list requests only.
func OnLists(f Fault) func(*http.Request) Fault {
	return func(r *http.Request) Fault {
		if !IsList(r) {
			return Fault{}
		}
		return f
	}
}

// Replace answers with this instead, as a proxy in front would: none of the server's own headers. The header is given
// as name and value in turn.
func Replace(status int, contentType, body string, header ...string) Fault {
	return Fault{Edit: func(_ *http.Request, a *Answer) {
		h := http.Header{"Content-Type": {contentType}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		*a = Answer{Status: status, Header: h, Body: []byte(body)}
	}}
}

// RateLimited answers 429. An empty retryAfter sends no Retry-After.
func RateLimited(retryAfter string) Fault {
	var header []string
	if retryAfter != "" {
		header = []string{"Retry-After", retryAfter}
	}
	return Replace(http.StatusTooManyRequests, "application/json", `{"errors":["too many requests"]}`, header...)
}

// HTML answers a web page with this status, as proxies do; with 200, what captive portals and login pages do.
func HTML(status int) Fault {
	return Replace(status, "text/html; charset=utf-8",
		"<!DOCTYPE html><html><head><title>"+http.StatusText(status)+"</title></head><body></body></html>")
}

// Says answers 200 with this JSON, whatever was asked: null, an object, an empty array, a list of nulls.
func Says(json string) Fault {
	return Fault{Edit: func(_ *http.Request, a *Answer) { *a = *jsonAnswer(http.StatusOK, []byte(json)) }}
}

// Truncated ends the JSON after half of it, and the answer with it, as if that were all.
func Truncated() Fault {
	return Fault{Edit: func(_ *http.Request, a *Answer) { a.Body = a.Body[:len(a.Body)/2] }}
}

// IgnoreQuery answers one array with everything and no Link, whatever the query says.
func IgnoreQuery() Fault {
	return Fault{
		Query:     func(q url.Values) { clear(q) },
		Unlimited: true,
		Edit:      func(_ *http.Request, a *Answer) { a.Header.Del("Link") },
	}
}

// IgnoreLimit answers pages of the default size, whatever limit says.
func IgnoreLimit() Fault {
	return Fault{Query: func(q url.Values) { q.Del("limit") }}
}

// OffsetOnly knows offset cursors alone: any other cursor is ignored, so that it fetches the first page again.
func OffsetOnly() Fault {
	return Fault{Query: func(q url.Values) {
		if !strings.Contains(q.Get("cursor"), "skip") {
			q.Del("cursor")
		}
	}}
}

// LinkCursor makes every list answer, an empty one too, promise a next page at this cursor: undefined denies that there
// is one, a fixed one loops.
func LinkCursor(cursor string) Fault {
	return Fault{Edit: func(r *http.Request, a *Answer) {
		if IsList(r) {
			a.Header.Set("Link", nextLink(r.Host, r.URL, cursor))
		}
	}}
}

// LinkAlways makes every list answer, an empty one too, promise a next page further on.
func LinkAlways() Fault {
	return Fault{Edit: func(r *http.Request, a *Answer) {
		if q, err := parseQuery(r.URL.Query()); err == nil && IsList(r) {
			a.Header.Set("Link", nextLink(r.Host, r.URL, "skip"+strconv.Itoa(q.skip+q.limit)))
		}
	}}
}

// write sends the answer as the fault has it.
func (f Fault) write(w http.ResponseWriter, r *http.Request, a *Answer) {
	maps.Copy(w.Header(), a.Header)
	if f.Stream != nil && a.Status == http.StatusOK {
		w.WriteHeader(a.Status)
		f.Stream(w)
		return
	}
	body := a.Body
	if a.Status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	if f.Cut {
		body = body[:min(f.CutAfter, len(body))]
	}
	w.WriteHeader(a.Status)
	flush := http.NewResponseController(w).Flush
	for f.Drip > 0 && len(body) > 0 {
		n := min(f.Drip, len(body))
		if !wait(r.Context(), f.Pause) {
			return
		}
		if _, err := w.Write(body[:n]); err != nil || flush() != nil {
			return
		}
		body = body[n:]
	}
	if _, err := w.Write(body); err != nil {
		return // the client left
	}
	if f.Cut && flush() == nil {
		reset(w)
	}
}

// reset ends the connection the hard way.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 or a recorder: the nearest there is
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the client sees an orderly end
	}
	_ = conn.Close()
}

// wait reports whether the time passed before the context ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
