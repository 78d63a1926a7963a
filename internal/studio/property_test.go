// SPDX-License-Identifier: Apache-2.0

// One goroutine at a time: the race detector would make it ten times as slow, and find nothing. make test runs it without.

//go:build !race

package studio

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// servers are the kinds of servers from which a quiet list can be listed at all.
var servers = map[string]func(t *rapid.T) *fakeServer{
	"all honoured": func(t *rapid.T) *fakeServer {
		return &fakeServer{order: true, keyset: true, skip: true, max: capOf(t)}
	},
	"keyset without order": func(t *rapid.T) *fakeServer {
		return &fakeServer{keyset: true, skip: true, max: capOf(t)}
	},
	"keyset only": func(t *rapid.T) *fakeServer {
		return &fakeServer{order: true, keyset: true, max: capOf(t), unknown: unknownOf(t, 0, 200, 400, 404)}
	},
	"offset only": func(t *rapid.T) *fakeServer {
		return &fakeServer{skip: true, order: rapid.Bool().Draw(t, "order"), max: capOf(t), unknown: unknownOf(t, 0, 200, 400, 404, 500)}
	},
	"opaque cursors only": func(t *rapid.T) *fakeServer {
		return &fakeServer{opaque: true, order: rapid.Bool().Draw(t, "order"), max: capOf(t), unknown: unknownOf(t, 0, 200)}
	},
	"opaque cursors and offsets": func(t *rapid.T) *fakeServer {
		return &fakeServer{opaque: true, skip: true, order: rapid.Bool().Draw(t, "order"), max: capOf(t),
			unknown: unknownOf(t, 0, 200, 400, 404, 500)}
	},
	"nothing honoured": func(t *rapid.T) *fakeServer {
		return &fakeServer{order: rapid.Bool().Draw(t, "order"), unknown: 200}
	},
}

func capOf(t *rapid.T) int { return rapid.IntRange(1, 12).Draw(t, "cap") }

func unknownOf(t *rapid.T, statuses ...int) int {
	return rapid.SampledFrom(statuses).Draw(t, "unknown")
}

func TestQuietListIsComplete(t *testing.T) {
	for name, make := range servers {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := make(t)
				s.tasks = rapid.Permutation(taskList(rapid.IntRange(0, 60).Draw(t, "tasks"))).Draw(t, "list")
				if !s.opaque {
					s.lie = rapid.SampledFrom([]string{"", "undefined", "skip7", "skip999", "t030", "t999", "junk"}).Draw(t, "link")
				}
				stops := rapid.IntRange(0, 5).Draw(t, "stops")
				pageSize := rapid.IntRange(1, 70).Draw(t, "limit")
				if s.max == 0 {
					// What honours nothing answers everything.
					pageSize = 1000
				}
				ids, requests := listQuiet(t, s, pageSize, stops)
				slices.Sort(ids)
				want := idsOf(s.tasks)
				slices.Sort(want)
				if !slices.Equal(ids, want) {
					t.Fatalf("listed %v, want %v", ids, want)
				}
				pages := len(want)/max(1, min(pageSize, s.max)) + 1
				bound := 4*pages + 12 + 3*stops
				if s.unknown == http.StatusInternalServerError {
					bound += maxSeek // what refuses a cursor so looks like a row that can't be read
				}
				if requests > bound {
					t.Fatalf("%d requests for %d pages, want at most %d", requests, pages, bound)
				}
			})
		})
	}
}

// listQuiet lists everything, ending up to stops requests early.
func listQuiet(t *rapid.T, s *fakeServer, limit, stops int) (ids []string, requests int) {
	srv := httptest.NewServer(s)
	defer srv.Close()
	c, err := New(Config{BaseURL: srv.URL, Key: NewKey(testKey)})
	if err != nil {
		t.Fatalf("no client: %v", err)
	}
	defer c.Close()
	sinceStop := 0
	stop := func() bool {
		sinceStop++
		if sinceStop > 4 && stops > 0 {
			stops--
			sinceStop = 0
			return true
		}
		return false
	}
	ids = collect(t, c.NewPass(Query{Limit: limit}), 5000, stop)
	return ids, len(s.requests)
}

func TestNothingIsMissedWhileTheListChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := taskList(80)
		s := &fakeServer{order: true, keyset: true, skip: true, max: capOf(t)}
		s.tasks = slices.Clone(all[:rapid.IntRange(0, 80).Draw(t, "tasks")])
		gone := map[string]bool{}
		s.before = func(n int) {
			if n == 0 {
				return
			}
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
				at := slices.Index(s.tasks, all[i])
				if at < 0 {
					s.tasks = append([]fakeTask{all[i]}, s.tasks...)
					continue
				}
				gone[all[i].id] = true
				s.tasks = slices.Delete(s.tasks, at, at+1)
			}
		}
		throughout := idsOf(s.tasks)
		ids, _ := listQuiet(t, s, 1000, 0)
		for _, id := range throughout {
			if !gone[id] && !slices.Contains(ids, id) {
				t.Fatalf("%s was missed: listed %v", id, ids)
			}
		}
		slices.Sort(ids)
		if len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Fatalf("a task was yielded twice: %v", ids)
		}
	})
}

// A server that makes up tasks for ever must not be listened to for ever.
func TestEndlessListEnds(t *testing.T) {
	n := 0
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = fmt.Fprintf(w, `[{"id":"t%04d"},{"id":"t%04d.1"}]`, n, n)
	}))
	p := c.NewPass(Query{})
	p.seen.max = 9
	var err error
	for range 20 {
		if err = p.Next(t.Context(), func(Task) bool { return true }); err != nil {
			break
		}
	}
	wantKind(t, err, Malformed)
}
