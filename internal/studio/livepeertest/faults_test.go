// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fetch asks a real listener, which knows about connections.
func fetch(ctx context.Context, t *testing.T, base, path string) (status int, header http.Header, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+APIKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	b, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return res.StatusCode, res.Header, string(b), err
}

func served(t *testing.T, tasks int) (*Server, string) {
	t.Helper()
	s := NewServer()
	s.Populate(tasks, 1)
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h.URL
}

func TestReplacedAnswers(t *testing.T) {
	s, url := served(t, 3)
	for _, tc := range []struct {
		name   string
		fault  Fault
		status int
		body   string // start
		header [2]string
	}{
		{"502", HTML(502), 502, "<!DOCTYPE html>", [2]string{"Content-Type", "text/html; charset=utf-8"}},
		{"HTML with 200", HTML(200), 200, "<!DOCTYPE html>", [2]string{"X-Powered-By", ""}},
		{"429", RateLimited("7"), 429, `{"errors"`, [2]string{"Retry-After", "7"}},
		{"429 alone", RateLimited(""), 429, `{"errors"`, [2]string{"Retry-After", ""}},
		{"500", Replace(500, "text/plain", "boom"), 500, "boom", [2]string{"ETag", ""}},
		{"null", Says("null"), 200, "null", [2]string{"Content-Type", "application/json; charset=utf-8"}},
		{"nulls", Says("[null,null]"), 200, "[null,null]", [2]string{"Link", ""}},
		{"truncated", Truncated(), 200, `[{"id"`, [2]string{"X-Powered-By", "Express"}},
	} {
		s.Fault(Always(tc.fault))
		status, header, body, err := fetch(t.Context(), t, url, "/api/task")
		if err != nil || status != tc.status || !strings.HasPrefix(body, tc.body) || header.Get(tc.header[0]) != tc.header[1] {
			t.Errorf("%s: %d %.40q %v %v", tc.name, status, body, header, err)
		}
		if tc.name == "truncated" && json.Valid([]byte(body)) {
			t.Error("truncated JSON is valid")
		}
	}
	s.Fault(nil)
	if status, _, body, err := fetch(t.Context(), t, url, "/api/task"); status != 200 || !json.Valid([]byte(body)) || err != nil {
		t.Errorf("switched off: %d %v", status, err)
	}
}

func TestBrokenConnections(t *testing.T) {
	s, url := served(t, 20)
	s.Fault(Always(Fault{Cut: true, CutAfter: 100}))
	if _, _, body, err := fetch(t.Context(), t, url, "/api/task"); !errors.Is(err, syscall.ECONNRESET) || len(body) > 100 {
		t.Errorf("cut: %d bytes, %v", len(body), err)
	}

	s.Fault(Always(Fault{Drip: 1000, Pause: time.Millisecond}))
	if _, _, body, err := fetch(t.Context(), t, url, "/api/task"); err != nil || !json.Valid([]byte(body)) {
		t.Errorf("drip: %d bytes, %v", len(body), err)
	}
	for name, f := range map[string]Fault{"drip": {Drip: 1000, Pause: time.Hour}, "delay": {Delay: time.Hour}} {
		s.Fault(Always(f))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, _, _, err := fetch(ctx, t, url, "/api/task"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

func TestIgnorantServers(t *testing.T) {
	s, url := served(t, 50)
	for _, tc := range []struct {
		name, query string
		fault       Fault
		tasks       int
		cursor      string
	}{
		{"ignore the query", "limit=5&filters=nonsense", IgnoreQuery(), 50, ""},
		{"ignore limit", "limit=5", IgnoreLimit(), 20, "skip20"},
		{"offsets only", "limit=5&cursor=undefined&order=id-false", OffsetOnly(), 5, "skip5"},
		{"offsets still", "limit=5&cursor=skip48", OffsetOnly(), 2, "undefined"},
		{"always next", "limit=5&cursor=skip100", LinkAlways(), 0, "skip105"},
		{"never next", "limit=5", LinkCursor("undefined"), 5, "undefined"},
		{"a loop", "limit=5&cursor=skip10", LinkCursor("skip10"), 5, "skip10"},
	} {
		s.Fault(Always(tc.fault))
		status, header, body, err := fetch(t.Context(), t, url, "/api/task?"+tc.query)
		link := header.Get("Link")
		if err != nil || status != 200 || len(strings.Fields(ids(t, []byte(body)))) != tc.tasks ||
			(tc.cursor == "") != (link == "") || (link != "" && !strings.Contains(link, "cursor="+tc.cursor)) {
			t.Errorf("%s: %d, %d tasks, Link %q, %v", tc.name, status, len(strings.Fields(ids(t, []byte(body)))), link, err)
		}
	}
}

func TestLaggingReplica(t *testing.T) {
	s := NewServer()
	s.Put(Task{"id": "old"}, Task{"id": "gone"})
	s.Fault(OnLists(Fault{From: s.Snapshot()}))
	s.Put(Task{"id": "new"})
	s.Delete("gone")
	if got := ids(t, do(t, s, "/api/task?order=id-false").Body.Bytes()); got != "gone old" {
		t.Errorf("list: %s", got)
	}
	if w := do(t, s, "/api/task/new"); w.Code != 200 {
		t.Errorf("one task lags too: %d", w.Code)
	}
	s.Fault(nil)
	if got := ids(t, do(t, s, "/api/task?order=id-false").Body.Bytes()); got != "new old" {
		t.Errorf("caught up: %s", got)
	}
}

func TestFirst(t *testing.T) {
	s := NewServer()
	s.Fault(First(2, HTML(503)))
	for i, want := range []int{503, 503, 200} {
		if w := do(t, s, "/api/task"); w.Code != want {
			t.Errorf("request %d: %d, want %d", i, w.Code, want)
		}
	}
}
