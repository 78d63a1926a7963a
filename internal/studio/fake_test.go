// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const testKey = "11111111-2222-3333-4444-555555555555"

// fakeTask is a task as a fakeServer knows it.
type fakeTask struct {
	id      string
	updated int64
}

func (t fakeTask) json() string {
	id, _ := json.Marshal(t.id)
	return fmt.Sprintf(`{"id":%s,"type":"upload","status":{"phase":"running","updatedAt":%d}}`, id, t.updated)
}

// fakeServer is a task list that honours as many parameters as it is told to. Tests set it up, then list from it.
type fakeServer struct {
	tasks  []fakeTask // in the server's own order
	max    int        // the largest page, 0: any
	order  bool       // honours order=id-false
	keyset bool       // honours a cursor that is an id
	skip   bool       // honours skipN
	opaque bool       // honours cursors of its own making, and offers them in Link
	filter string     // of updatedAt: "honour", "refuse", "" ignores it
	etag   bool       // honours If-None-Match
	// unknown is the status that answers a cursor which is not honoured; 200 answers the first page, 0 an empty one.
	unknown int
	// lie replaces the cursor in Link.
	lie string
	// before runs before each request.
	before func(n int)

	requests []url.Values
	statuses []int
}

func (s *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if s.before != nil {
		s.before(len(s.requests))
	}
	s.requests = append(s.requests, q)
	status, body := s.answer(w, q)
	if s.etag && status == http.StatusOK {
		tag := `W/"` + strconv.Itoa(len(body)) + `"`
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			status, body = http.StatusNotModified, ""
		}
	}
	s.statuses = append(s.statuses, status)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (s *fakeServer) answer(w http.ResponseWriter, q url.Values) (int, string) {
	tasks := slices.Clone(s.tasks)
	if s.order && strings.HasPrefix(q.Get("order"), "id-false") {
		slices.SortFunc(tasks, func(a, b fakeTask) int { return strings.Compare(a.id, b.id) })
	}
	if f := q.Get("filters"); f != "" && s.filter == "refuse" {
		return http.StatusBadRequest, `{"errors":["error parsing filters: Error: unknown field: \"updatedAt\""]}`
	} else if f != "" && s.filter == "honour" {
		tasks = filtered(tasks, f)
	}
	start, ok := s.start(tasks, q.Get("cursor"))
	switch {
	case !ok && s.unknown == 0:
		return http.StatusOK, "[]"
	case !ok && s.unknown != http.StatusOK:
		return s.unknown, `{"errors":["bad cursor"]}`
	}
	end := len(tasks)
	if limit, err := strconv.Atoi(q.Get("limit")); err == nil {
		end = min(end, start+limit)
	}
	if s.max > 0 {
		end = min(end, start+s.max)
	}
	next := s.lie
	switch {
	case next != "":
	case end == len(tasks):
		next = "undefined"
	case s.opaque:
		next = fmt.Sprintf("tok-%d", end)
	default:
		next = fmt.Sprintf("skip%d", end)
	}
	w.Header().Set("Link", fmt.Sprintf(`<http://elsewhere.example/api/task?cursor=%s>; rel="next"`, next))
	parts := make([]string, 0, end-start)
	for _, t := range tasks[start:end] {
		parts = append(parts, t.json())
	}
	return http.StatusOK, "[" + strings.Join(parts, ",") + "]"
}

// start finds the first row that a cursor asks for; false where the cursor is not honoured.
func (s *fakeServer) start(tasks []fakeTask, cursor string) (int, bool) {
	if cursor == "" {
		return 0, true
	}
	digits, isSkip := strings.CutPrefix(cursor, "skip")
	token, isToken := strings.CutPrefix(cursor, "tok-")
	switch {
	case isSkip && s.skip:
		n, _ := strconv.Atoi(digits)
		return min(n, len(tasks)), true
	case isToken && s.opaque:
		n, _ := strconv.Atoi(token)
		return min(n, len(tasks)), true
	case !isSkip && s.keyset:
		// In whatever order the rows are, those above the cursor.
		above := slices.DeleteFunc(slices.Clone(tasks), func(t fakeTask) bool { return t.id <= cursor })
		n := copy(tasks[len(tasks)-len(above):], above)
		return len(tasks) - n, true
	}
	return 0, false
}

func filtered(tasks []fakeTask, filters string) []fakeTask {
	var parsed []struct {
		Value struct {
			Gte, Lte *int64
		}
	}
	if err := json.Unmarshal([]byte(filters), &parsed); err != nil {
		return nil
	}
	return slices.DeleteFunc(tasks, func(t fakeTask) bool {
		for _, f := range parsed {
			if (f.Value.Gte != nil && t.updated < *f.Value.Gte) || (f.Value.Lte != nil && t.updated > *f.Value.Lte) {
				return true
			}
		}
		return false
	})
}

// serve starts a server and returns a client of it. The first tb may be that of a property, which can't clean up.
func serve(tb testing.TB, h http.Handler) *Client {
	tb.Helper()
	srv := httptest.NewServer(h)
	c := newTestClient(tb, Config{BaseURL: srv.URL + "/api"})
	tb.Cleanup(func() {
		c.Close()
		srv.Close()
	})
	return c
}

func newTestClient(tb testing.TB, cfg Config) *Client {
	tb.Helper()
	cfg.Key = NewKey(testKey)
	cfg.UserAgent = "test/1"
	if cfg.Timeout == 0 {
		cfg.Timeout = 20 * time.Second
	}
	c, err := New(cfg)
	if err != nil {
		tb.Fatalf("no client: %v", err)
	}
	return c
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Context() context.Context
	Fatalf(format string, args ...any)
}

// collect runs a pass to its end and returns the ids in the order in which they were consumed. stop, if not nil, is
// asked before each task whether to end that Next early.
func collect(t failer, p *Pass, maxRequests int, stop func() bool) []string {
	t.Helper()
	var ids []string
	for n := 0; !p.Done(); n++ {
		if n > maxRequests {
			t.Fatalf("the pass did not end within %d requests", maxRequests)
		}
		err := p.Next(t.Context(), func(task Task) bool {
			if stop != nil && stop() {
				return false
			}
			ids = append(ids, task.ID)
			return true
		})
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
	}
	return ids
}

// taskList makes n tasks with ascending ids: t000, t001, ...
func taskList(n int) []fakeTask {
	tasks := make([]fakeTask, n)
	for i := range tasks {
		tasks[i] = fakeTask{id: fmt.Sprintf("t%03d", i), updated: 1795000000000 + int64(i)}
	}
	return tasks
}

func idsOf(tasks []fakeTask) []string {
	ids := make([]string, len(tasks))
	for i, t := range tasks {
		ids[i] = t.id
	}
	return ids
}
