// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	suspendedKey = "suspended-key"
	rulesKey     = "rules-key"
	otherTask    = "e39c366c-3991-4d32-a851-cc226147d14f"
)

// placeholders are what the recordings have in place of real values. UserID and ProjectID are as long as the real ones,
// so that lengths agree as well.
var placeholders = strings.NewReplacer("<OPERATOR_TOKEN>", APIKey, "<SUSPENDED_TOKEN>", suspendedKey, "<RULES_TOKEN>", rulesKey,
	"<OPERATOR_ID>", UserID, "<OPERATOR_PROJECT>", ProjectID)

// recording is a raw request and answer of the real server software.
type recording struct {
	request *http.Request
	status  int
	header  http.Header
	body    []byte
	masked  bool // the body had placeholders: its hash is not that of the bytes that were sent
}

var (
	shellWord   = regexp.MustCompile(`(?:\\.|[^\s\\])+`)
	backslashed = regexp.MustCompile(`\\(.)`)
)

// readRecording parses a curl command as the shell would quote it, and the answer that it got.
func readRecording(t *testing.T, name string) recording {
	t.Helper()
	read := func(ext string) string {
		b, err := os.ReadFile(filepath.Join("testdata", "recordings", name+ext))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	words := shellWord.FindAllString(placeholders.Replace(read(".cmd")), -1)
	for i, w := range words {
		words[i] = backslashed.ReplaceAllString(w, "$1")
	}
	method, header := http.MethodGet, http.Header{}
	for i, w := range words {
		switch w {
		case "-X":
			method = words[i+1]
		case "-H":
			key, value, _ := strings.Cut(words[i+1], ": ")
			header.Add(key, value)
		}
	}
	rec := recording{request: httptest.NewRequestWithContext(t.Context(), method, words[len(words)-1], nil)}
	rec.request.Header = header
	if host := header.Get("Host"); host != "" {
		rec.request.Host = host
	}
	head, body, _ := strings.Cut(strings.TrimSuffix(read(".http"), "\n"), "\n\n")
	rec.masked = regexp.MustCompile(`<[\w-]+>`).MatchString(body)
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.TrimSpace(head)+"\r\n\r\n")), rec.request)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	rec.status, rec.header, rec.body = res.StatusCode, res.Header, []byte(placeholders.Replace(body))
	return rec
}

// recordedServer holds the tasks of the recordings.
func recordedServer(t *testing.T) *Server {
	t.Helper()
	s := NewServer()
	var tasks []json.RawMessage
	if err := json.Unmarshal(readRecording(t, "02-list-limit1000").body, &tasks); err != nil {
		t.Fatal(err)
	}
	others := []json.RawMessage{readRecording(t, "50-id-deleted").body, []byte(`{"id":"` + otherTask + `","userId":"another"}`)}
	for _, raw := range slices.Concat(tasks, others) {
		if err := s.PutRaw(raw); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{suspendedKey, rulesKey} {
		s.AddKey(key, ProjectID)
	}
	s.Suspend(suspendedKey)
	s.Restrict(rulesKey)
	return s
}

func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/recordings/*.cmd")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d recordings: %v", len(files), err)
	}
	// What the account was like when it was recorded, where it differs from 02-list-limit1000.
	prepare := map[string]func(*Server){
		"80-poison-list": func(s *Server) { s.Poison("31ad0713-24f8-4a20-a3f8-9dfd21b40723") },
		"83-errormsg": func(s *Server) {
			s.Update("04ebdb16-f501-449c-a023-56e155dd46c6", func(t Task) {
				object(t, "status")["errorMessage"] = "download s3+https://AK:SK@h/b failed"
			})
		},
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".cmd")
		t.Run(name, func(t *testing.T) {
			s := recordedServer(t)
			if prepare[name] != nil {
				prepare[name](s)
			}
			replay(t, s, readRecording(t, name))
		})
	}
}

func replay(t *testing.T, s *Server, rec recording) {
	t.Helper()
	if asked := rec.request.Header.Get("If-None-Match"); asked != "" {
		// The recorded tag is of a body whose secrets were replaced since, so ours differs: ask for our own.
		first := httptest.NewRecorder()
		plain := rec.request.Clone(t.Context())
		plain.Header.Del("If-None-Match")
		s.ServeHTTP(first, plain)
		rec.request.Header.Set("If-None-Match", first.Header().Get("ETag"))
		rec.header.Set("ETag", first.Header().Get("ETag"))
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, rec.request)
	if w.Code != rec.status {
		t.Fatalf("status %d, recorded %d; body %.200s", w.Code, rec.status, w.Body)
	}
	if diff := cmp.Diff(string(rec.body), w.Body.String()); diff != "" {
		t.Errorf("body (-recorded +ours):\n%s", diff)
	}
	rec.header.Del("Date") // of the recording's day
	w.Header().Del("Date")
	if rec.masked {
		for _, h := range []http.Header{rec.header, w.Header()} {
			h.Del("ETag")
			h.Del("Content-Length")
		}
	}
	if diff := cmp.Diff(rec.header, w.Header()); diff != "" {
		t.Errorf("header (-recorded +ours):\n%s", diff)
	}
}

// The reference page's example is a task like any other to the store.
func TestReferenceExample(t *testing.T) {
	raw, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var tasks []json.RawMessage
	if err := json.Unmarshal(raw, &tasks); err != nil {
		t.Fatal(err)
	}
	s := NewServer()
	s.AddKey("other", "09F8B46C-61A0-4254-9875-F71F4C605BC7")
	if err := s.PutRaw(tasks[0]); err != nil {
		t.Fatal(err)
	}
	if body := do(t, s, "/api/task", "Authorization", "Bearer other").Body.Bytes(); !bytes.Contains(body, tasks[0]) {
		t.Errorf("the list lacks it: %.200s", body)
	}
}

// do asks s with the default key unless a header, given as name and value, says otherwise.
func do(t *testing.T, s http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Header.Set("Authorization", "Bearer "+APIKey)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
