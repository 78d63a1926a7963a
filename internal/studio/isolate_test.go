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

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// poisoned is a simulated Studio with rows that it can't read.
type poisoned struct {
	*livepeertest.Server
	client   *Client
	requests int
	// before runs before each request.
	before func(n int)
}

func newPoisoned(t failer, tasks int, fault livepeertest.Fault) (studio *poisoned, stop func()) {
	s := &poisoned{Server: livepeertest.NewServer()}
	for i := range tasks {
		s.Put(livepeertest.Task{"id": fmt.Sprintf("t%03d", i), "status": map[string]any{"updatedAt": int64(1795000000000 + i)}})
	}
	s.Fault(func(*http.Request) livepeertest.Fault {
		if s.requests++; s.before != nil {
			s.before(s.requests)
		}
		return fault
	})
	srv := httptest.NewServer(s)
	c, err := New(Config{BaseURL: srv.URL + "/api", Key: NewKey(livepeertest.APIKey)})
	if err != nil {
		t.Fatalf("no client: %v", err)
	}
	s.client = c
	return s, func() {
		c.Close()
		srv.Close()
	}
}

// list lists everything, and counts the errors on the way.
func (s *poisoned) list(t failer, p *Pass) (ids []string, failures int) {
	t.Helper()
	for !p.Done() {
		if s.requests > 2000 {
			t.Fatalf("no end after %d requests, with %d errors", s.requests, failures)
		}
		err := p.Next(t.Context(), func(task Task) bool {
			ids = append(ids, task.ID)
			return true
		})
		if err != nil {
			failures++
		}
	}
	slices.Sort(ids)
	return ids, failures
}

// TestBadRowsAreIsolated: whichever rows the server can't read, all others are listed.
func TestBadRowsAreIsolated(t *testing.T) {
	for name, fault := range map[string]livepeertest.Fault{
		"as documented":     {},
		"offsets only":      livepeertest.OffsetOnly(),
		"Link says nothing": livepeertest.LinkCursor("undefined"),
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s, stop := newPoisoned(t, rapid.IntRange(1, 80).Draw(t, "tasks"), fault)
				defer stop()
				all := s.IDs()
				bad := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, min(4, len(all)), rapid.ID).Draw(t, "bad")
				s.Poison(bad...)
				want := slices.DeleteFunc(all, func(id string) bool { return slices.Contains(bad, id) })
				slices.Sort(want)
				for range 2 { // a server that is known to have bad rows, too
					p := s.client.NewPass(Query{Limit: rapid.IntRange(1, 50).Draw(t, "limit")})
					ids, failures := s.list(t, p)
					if !slices.Equal(ids, want) {
						t.Fatalf("listed %v, want %v", ids, want)
					}
					if p.Unreadable() != len(bad) {
						t.Fatalf("%d unreadable, want %d", p.Unreadable(), len(bad))
					}
					if failures > 0 && name != "offsets only" {
						t.Fatalf("%d errors for %d bad rows", failures, len(bad))
					}
				}
			})
		})
	}
}

// TestABadRowIsFoundFast: in few requests, and without an error that would have to be waited for.
func TestABadRowIsFoundFast(t *testing.T) {
	s, stop := newPoisoned(t, 1000, livepeertest.Fault{})
	defer stop()
	s.Poison("t700")
	for i := range 2 {
		s.requests = 0
		ids, failures := s.list(t, s.client.NewPass(Query{}))
		if len(ids) != 999 || s.requests > 30 || failures > 0 {
			t.Errorf("pass %d: %d tasks, %d requests, %d errors", i, len(ids), s.requests, failures)
		}
	}
	s.Repair("t700")
	for range 2 {
		s.requests = 0
		ids, _ := s.list(t, s.client.NewPass(Query{}))
		if len(ids) != 1000 || s.requests > 3 {
			t.Errorf("repaired: %d tasks, %d requests", len(ids), s.requests)
		}
	}
}

// TestBadRowsAreLocated: the ids of rows that the server can't read are found, neighbours or not, in a complete listing and
// in one of changes, and again once they are known.
func TestBadRowsAreLocated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, stop := newPoisoned(t, 0, livepeertest.Fault{})
		defer stop()
		n := rapid.IntRange(1, 40).Draw(t, "tasks")
		for i := range n {
			id := fmt.Sprintf("%08x-0000-4000-8000-%012x", rapid.Uint32Min(1).Draw(t, "high"), i)
			at := int64(1795000000000 + 7*i)
			s.Put(livepeertest.Task{"id": id, "createdAt": at, "status": map[string]any{"updatedAt": at}})
		}
		bad := rapid.SliceOfNDistinct(rapid.SampledFrom(s.IDs()), 0, min(4, n), rapid.ID).Draw(t, "bad")
		s.Poison(bad...)
		slices.Sort(bad)
		query := Query{Limit: rapid.IntRange(1, 50).Draw(t, "limit")}
		if rapid.Bool().Draw(t, "poll") {
			query.UpdatedSince = 1795000000000
		}
		for _, known := range [][]string{nil, bad} {
			s.requests = 0
			p := s.client.NewPass(query)
			s.list(t, p)
			s.requests = 0
			found, err := p.Locate(t.Context(), known)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(found)
			if !slices.Equal(found, bad) {
				t.Fatalf("found %v, want %v", found, bad)
			}
			if known != nil && s.requests > 3*len(bad) {
				t.Fatalf("%d requests to find %d known rows again", s.requests, len(bad))
			}
		}
	})
}

// TestAPoisonedPollIsIsolated: polls ask for what changed, and go on as well.
func TestAPoisonedPollIsIsolated(t *testing.T) {
	s, stop := newPoisoned(t, 50, livepeertest.Fault{})
	defer stop()
	s.Poison("t048")
	p := s.client.NewPass(Query{UpdatedSince: 1795000000040})
	if ids, _ := s.list(t, p); len(ids) != 9 || p.Unreadable() != 1 {
		t.Errorf("listed %v, %d unreadable", ids, p.Unreadable())
	}
}

// TestABadRowHidesNoChange: where all that changed can't be read, each poll says so, and none takes the answer to another question for
// that nothing has changed.
func TestABadRowHidesNoChange(t *testing.T) {
	s, stop := newPoisoned(t, 5, livepeertest.Fault{})
	defer stop()
	s.Poison("t004")
	poll := func() ([]string, int) {
		p := s.client.NewPass(Query{UpdatedSince: 1795000000004, Limit: 3})
		ids, _ := s.list(t, p)
		return ids, p.Unreadable()
	}
	for n := range 3 {
		if ids, unreadable := poll(); len(ids) != 0 || unreadable != 1 {
			t.Fatalf("poll %d listed %v, %d unreadable", n, ids, unreadable)
		}
	}
	for n := range 3 {
		id := fmt.Sprintf("new%d", n)
		s.Put(livepeertest.Task{"id": id, "status": map[string]any{"updatedAt": int64(1795000000010 + n)}})
		if ids, unreadable := poll(); !slices.Contains(ids, id) || unreadable != 1 {
			t.Fatalf("%s: poll listed %v, %d unreadable", id, ids, unreadable)
		}
	}
}

// TestAnOutageSkipsNothing: a server that fails as a whole is asked twice at most for each error, and no row is given up.
func TestAnOutageSkipsNothing(t *testing.T) {
	for _, outage := range []int{1, 2, 3, 4, 7, 50, 200} {
		for _, begins := range []int{1, 2, 3, 6} {
			s, stop := newPoisoned(t, 100, livepeertest.Fault{})
			down := livepeertest.Replace(http.StatusInternalServerError, "application/json", `{"errors":["Internal server error"]}`)
			s.Fault(func(*http.Request) livepeertest.Fault {
				if s.requests++; s.requests >= begins && s.requests < begins+outage {
					return down
				}
				return livepeertest.Fault{}
			})
			p := s.client.NewPass(Query{Limit: 20})
			ids, failures := s.list(t, p)
			if len(ids) != 100 || p.Unreadable() != 0 {
				t.Errorf("%d requests from the %d. on failed: %d tasks, %d unreadable", outage, begins, len(ids), p.Unreadable())
			}
			if failures < outage/2-2*freeFailures {
				t.Errorf("%d requests failed, %d errors", outage, failures)
			}
			stop()
		}
	}
}

// TestBadRowsUnderChurn: what is there throughout is listed, whatever else comes and goes. Counting rows may be off for
// a moment, so that a task next to a bad row is found by the next listing.
func TestBadRowsUnderChurn(t *testing.T) {
	missed, runs := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s, stop := newPoisoned(t, 60, livepeertest.Fault{})
		defer stop()
		bad := rapid.SampledFrom(s.IDs()).Draw(t, "bad")
		s.Poison(bad)
		gone := map[string]bool{bad: true}
		changes := rapid.SliceOfN(rapid.IntRange(0, 159), 0, 40).Draw(t, "changes")
		s.before = func(n int) {
			if n > len(changes) || changes[n-1] >= 80 {
				return
			}
			id := fmt.Sprintf("t%03d", changes[n-1])
			if gone[id] = true; id != bad && !s.Delete(id) {
				s.Put(livepeertest.Task{"id": id, "status": map[string]any{"updatedAt": int64(1795000001000 + n)}})
			}
		}
		before := s.IDs()
		ids, _ := s.list(t, s.client.NewPass(Query{Limit: rapid.IntRange(2, 30).Draw(t, "limit")}))
		runs++
		for _, id := range before {
			if !gone[id] && !slices.Contains(ids, id) {
				missed++
			}
		}
		if unique := slices.Compact(slices.Clone(ids)); len(unique) != len(ids) {
			t.Fatalf("twice: %v", ids)
		}
	})
	if missed > runs/10 {
		t.Errorf("%d tasks missed in %d listings", missed, runs)
	}
}
