// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestRowsThatTheRealServerCannotRead: as it was seen to answer, by page and by ID.
func TestRowsThatTheRealServerCannotRead(t *testing.T) {
	whole := map[string]any{"input": map[string]any{"url": "u"}, "storage": map[string]any{"url": "u"}}
	for name, c := range map[string]struct {
		task   Task
		status int
	}{
		"upload without params":       {Task{"type": "upload"}, 500},
		"upload with null for params": {Task{"type": "upload", "params": nil}, 500},
		"upload with empty params":    {Task{"type": "upload", "params": map[string]any{}}, 200},
		"export without params":       {Task{"type": "export"}, 200},
		"unknown without params":      {Task{"type": "new"}, 200},
		"whole transcode-file":        {Task{"type": "transcode-file", "params": map[string]any{"transcode-file": whole}}, 200},
		"transcode-file without input": {Task{"type": "transcode-file", "params": map[string]any{"transcode-file": map[string]any{
			"storage": whole["storage"]}}}, 500},
		"transcode-file without a place": {Task{"type": "transcode-file", "params": map[string]any{"transcode-file": map[string]any{
			"input": whole["input"], "storage": map[string]any{}}}}, 500},
	} {
		s := NewServer(WithRealRows())
		c.task["id"] = "a"
		s.Put(c.task)
		for _, path := range []string{"/api/task", "/api/task/a"} {
			if got := status(s, path); got != c.status {
				t.Errorf("%s: %s answers %d, want %d", name, path, got, c.status)
			}
		}
	}
}

// TestTimesThatAreNone: one of them makes every page that is ordered by times fail, and no other.
func TestTimesThatAreNone(t *testing.T) {
	for name, odd := range map[string]Task{
		"null":    {"status": map[string]any{"updatedAt": nil}},
		"text":    {"createdAt": "1"},
		"neither": {},
	} {
		s := NewServer()
		odd["id"] = "a"
		s.Put(odd, Task{"id": "b", "createdAt": 1, "status": map[string]any{"updatedAt": 2}})
		want := http.StatusInternalServerError
		if name == "neither" {
			want = http.StatusOK
		}
		for path, wanted := range map[string]int{
			"/api/task": want, "/api/task?limit=1": want, "/api/task?order=createdAt-false": want,
			"/api/task?order=id-false": http.StatusOK, "/api/task/a": http.StatusOK,
			"/api/task?filters=[{%22id%22:%22updatedAt%22,%22value%22:{%22gte%22:1}}]": http.StatusOK,
		} {
			if got := status(s, path); got != wanted {
				t.Errorf("%s: %s answers %d, want %d", name, path, got, wanted)
			}
		}
	}
}

func status(s *Server, path string) int {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+APIKey)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}
