// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestKeys(t *testing.T) {
	s := NewServer()
	s.Put(Task{"id": "mine"}, Task{"id": "theirs", "userId": "another"}, Task{"id": "elsewhere", "projectId": "p2"})
	s.AddKey("p2-key", "p2")
	s.AddKey("list-only", ProjectID)
	s.Restrict("list-only", MayList)
	s.AddKey("get-only", ProjectID)
	s.Restrict("get-only", MayGet)
	s.AddKey("gone", ProjectID)
	s.RemoveKey("gone")
	for _, tc := range []struct {
		name, path, auth string
		status           int
		want             string // in the body
	}{
		{"own list", "/api/task", "Bearer " + APIKey, 200, `[{"id":"mine"}]`},
		{"with a slash", "/api/task/", "bearer  " + APIKey, 200, `[{"id":"mine"}]`},
		{"another project's list", "/api/task", "Bearer p2-key", 200, `[{"id":"elsewhere","projectId":"p2"}]`},
		{"another project's task", "/api/task/mine", "Bearer p2-key", 200, `{"id":"mine"}`},
		{"another user's task", "/api/task/theirs", "Bearer " + APIKey, 403, "own tasks"},
		{"missing task", "/api/task/none", "Bearer " + APIKey, 404, `{"errors":["not found"]}`},
		{"no such path", "/api/tasks", "Bearer " + APIKey, 404, "not found"},
		{"no base path", "/task", "Bearer " + APIKey, 404, "not found"},
		{"no key", "/api/task/mine", "", 401, "request is not authenticated"},
		{"wrong key is repeated", "/api/task/mine", "Bearer hunter2", 401, `{"errors":["no token hunter2 found"]}`},
		{"revoked key", "/api/task", "Bearer gone", 401, "no token gone found"},
		{"wrong scheme", "/api/task", "Basic " + APIKey, 401, "unsupported"},
		{"may list", "/api/task", "Bearer list-only", 200, "mine"},
		{"may not get", "/api/task/mine", "Bearer list-only", 403, "credential has insuff"},
		{"may get", "/api/task/mine", "Bearer get-only", 200, "mine"},
		{"may not list", "/api/task", "Bearer get-only", 403, "credential has insuff"},
	} {
		if w := do(t, s, tc.path, "Authorization", tc.auth); w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s: %d %s, want %d %s", tc.name, w.Code, w.Body, tc.status, tc.want)
		}
	}
	if w := do(t, s, "/api/task", "Origin", "https://example.com"); w.Code != http.StatusForbidden {
		t.Errorf("with Origin: %d", w.Code)
	}
	if w := do(t, s, "/api/task?limit="+strings.Repeat("1", 20<<10)); w.Code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long URL: %d", w.Code)
	}
	s.Reset()
	if w := do(t, s, "/api/task"); w.Body.String() != "[]" || w.Header().Get("Link") != "" {
		t.Errorf("empty list: %s, Link %q", w.Body, w.Header().Get("Link"))
	}
}

func TestDeletedPurgedPoisoned(t *testing.T) {
	s := NewServer()
	s.Put(Task{"id": "a"}, Task{"id": "b"}, Task{"id": "odd/ü id"})
	if !s.Delete("a") || s.Delete("none") {
		t.Error("Delete does not tell whether the task is there")
	}
	s.Delete("a") // twice is no harm
	if w := do(t, s, "/api/task/a"); w.Code != 200 || w.Body.String() != `{"id":"a","deleted":true}` {
		t.Errorf("deleted: %d %s", w.Code, w.Body)
	}
	if got := s.IDs(); !slices.Equal(got, []string{"b", "odd/ü id"}) || s.Len() != 2 {
		t.Errorf("left: %q", got)
	}
	if w := do(t, s, "/api/task/odd%2F%C3%BC%20id"); w.Code != 200 {
		t.Errorf("an odd id: %d", w.Code)
	}
	s.Poison("b")
	for path, link := range map[string]bool{"/api/task?limit=1&order=id-false": true, "/api/task/b": false} {
		w := do(t, s, path)
		if w.Code != 500 || !strings.Contains(w.Body.String(), "Cannot read properties") || (w.Header().Get("Link") != "") != link {
			t.Errorf("poisoned %s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := do(t, s, "/api/task?limit=1&order=id-false&cursor=b"); w.Code != 200 {
		t.Errorf("the page beside the poison: %d", w.Code)
	}
	s.Update("b", func(t Task) { t["type"] = "clip" })
	if w := do(t, s, "/api/task"); w.Code != 500 {
		t.Error("an update cured the poison")
	}
	s.Repair("b")
	s.Purge("a")
	if w := do(t, s, "/api/task/b"); w.Body.String() != `{"id":"b","type":"clip"}` {
		t.Errorf("repaired: %s", w.Body)
	}
	if w := do(t, s, "/api/task/a"); w.Code != 404 {
		t.Errorf("purged: %d", w.Code)
	}
}

func TestPutMany(t *testing.T) {
	s := NewServer()
	s.Populate(100, 1)
	tasks := make([]Task, 0, 100)
	for i, id := range s.IDs() {
		tasks = append(tasks, Task{"id": id, "deleted": i%2 == 0, "status": obj{"updatedAt": i}})
	}
	s.Put(tasks...)
	if s.Len() != 50 {
		t.Errorf("%d left", s.Len())
	}
	if got, want := ids(t, do(t, s, "/api/task?limit=1").Body.Bytes()), tasks[99]["id"]; got != want {
		t.Errorf("newest: %s, want %s", got, want)
	}
}

func TestRevalidation(t *testing.T) {
	s := NewServer()
	s.Put(Task{"id": "a"})
	first := do(t, s, "/api/task/a")
	tag := first.Header().Get("ETag")
	for _, asked := range []string{tag, `"x", ` + tag, "*", strings.TrimPrefix(tag, "W/")} {
		w := do(t, s, "/api/task/a", "If-None-Match", asked)
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != tag {
			t.Errorf("%s: %d %s", asked, w.Code, w.Body)
		}
	}
	if w := do(t, s, "/api/task/a", "If-None-Match", tag, "Cache-Control", "no-cache"); w.Code != 200 {
		t.Errorf("no-cache: %d", w.Code)
	}
	s.Update("a", func(t Task) { t["type"] = "clip" })
	if w := do(t, s, "/api/task/a", "If-None-Match", tag); w.Code != 200 {
		t.Errorf("changed: %d", w.Code)
	}
}

func TestRetry(t *testing.T) {
	now := time.UnixMilli(1000)
	s := NewServer(WithClock(func() time.Time { return now }))
	s.Put(Task{"id": "a", "status": obj{"phase": "failed", "retries": 2, "errorMessage": "m", "updatedAt": 5}})
	post := func(path string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
		r.Header.Set("Authorization", "Bearer "+APIKey)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	for _, tc := range []struct {
		path   string
		status int
	}{{"/api/task/none/retry", 404}, {"/api/task/a/retry", 200}, {"/api/task/a/retry", 400}, {"/api/task/a", 404}} {
		if got := post(tc.path); got != tc.status {
			t.Errorf("POST %s: %d, want %d", tc.path, got, tc.status)
		}
	}
	want := `{"id":"a","status":{"phase":"waiting","retries":0,"updatedAt":1000,"errorMessage":"m"}}`
	if got := do(t, s, "/api/task/a").Body.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The clock of the server is that of its answers, too.
func TestDate(t *testing.T) {
	s := NewServer(WithClock(func() time.Time { return time.Date(2020, 2, 3, 4, 5, 6, 0, time.Local) }))
	got, err := http.ParseTime(do(t, s, "/api/task").Header().Get("Date"))
	if want := s.clock(); err != nil || !got.Equal(want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestRequests(t *testing.T) {
	now := time.UnixMilli(1000)
	s := NewServer(WithClock(func() time.Time { return now }))
	do(t, s, "/api/task?limit=5&count=true")
	do(t, s, "/api/task/none")
	got := s.Requests()
	if len(got) != 2 || got[0].Method != http.MethodGet || got[0].Path != "/api/task" || got[0].Query.Get("limit") != "5" ||
		got[0].Status != 200 || got[0].Bytes != 2 || !got[0].Time.Equal(now) || got[1].Status != 404 {
		t.Errorf("%+v", got)
	}
	s.ResetRequests()
	if len(s.Requests()) != 0 {
		t.Error("requests are still there")
	}
	for range maxRequests + 1 {
		do(t, s, "/api/task")
	}
	if n := len(s.Requests()); n > maxRequests {
		t.Errorf("%d requests kept", n)
	}
}

// For the race detector, and for indexes that come out whole.
func TestConcurrentUse(t *testing.T) {
	s := NewServer()
	s.Populate(200, 1)
	all := s.IDs()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i, id := range all {
				switch (i + worker) % 4 {
				case 0:
					s.Update(id, func(t Task) { setStatus(t, time.UnixMilli(int64(i*worker)), obj{"phase": "running"}) })
				case 1:
					do(t, s, "/api/task?limit=50")
				case 2:
					s.Delete(id)
				case 3:
					s.Put(Task{"id": id, "status": obj{"updatedAt": i}})
				}
			}
		})
	}
	wg.Wait()
	now := s.store.now
	if !slices.IsSortedFunc(now.byID, now.compareID) || !slices.IsSortedFunc(now.byUpdated, compareUpdated) ||
		len(now.byID) != len(now.byUpdated) {
		t.Error("the indexes are out of order")
	}
	for _, e := range now.byID {
		if now.rows[e.id] != e || e.deleted {
			t.Errorf("%s: the index has another state than the row", e.id)
		}
	}
}
