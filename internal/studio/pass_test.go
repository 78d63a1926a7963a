// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// wantKind fails unless err is an *Error of this kind.
func wantKind(t *testing.T, err error, kind Kind) {
	t.Helper()
	_ = apiError(t, err, kind)
}

// apiError returns err as *Error, and fails unless it is one of this kind.
func apiError(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != kind {
		t.Fatalf("got error %v (%T), want kind %s", err, err, kind)
	}
	return e
}

func all(Task) bool { return true }

// cursors returns the cursors that a server was asked for.
func (s *fakeServer) cursors() []string {
	c := make([]string, len(s.requests))
	for i, q := range s.requests {
		c[i] = q.Get("cursor")
	}
	return c
}

func TestRequestsOfAListing(t *testing.T) {
	unsorted := []fakeTask{{id: "c"}, {id: "a"}, {id: "d"}, {id: "b"}}
	tests := map[string]struct {
		server fakeServer
		limit  int
		want   []string
	}{
		"by id until an empty page": {
			fakeServer{tasks: taskList(25), order: true, keyset: true, skip: true}, 20, []string{"", "t019", "t024"},
		},
		"a server's smaller pages are no end": {
			fakeServer{tasks: taskList(40), order: true, keyset: true, max: 20}, 1000, []string{"", "t019", "t039"},
		},
		"a short list is checked by offset": {
			fakeServer{tasks: taskList(3), order: true, keyset: true, skip: true}, 20, []string{"", "t002", "skip3"},
		},
		"an empty list": {
			fakeServer{order: true, keyset: true, skip: true}, 20, []string{""},
		},
		"one array whatever is asked": {
			fakeServer{tasks: unsorted, unknown: 200}, 20, []string{"", "skip4"},
		},
		"one sorted array whatever is asked": {
			fakeServer{tasks: taskList(3), unknown: 200}, 20, []string{"", "t002", "skip3"},
		},
		"order ignored": {
			fakeServer{tasks: unsorted, keyset: true, skip: true, max: 2}, 20, []string{"", "skip2", "skip4"},
		},
		"cursor refused": {
			fakeServer{tasks: taskList(4), order: true, skip: true, max: 2, unknown: 500}, 20,
			[]string{"", "t001", "skip5000000", "t001", "skip1", "skip2", "skip2", "skip2", "skip4"},
		},
		"the server's own cursors": {
			fakeServer{tasks: unsorted, opaque: true, max: 2, unknown: 200}, 20, []string{"", "tok-2", "skip2"},
		},
		"the server's own cursors and no others": {
			fakeServer{tasks: taskList(3), order: true, opaque: true, max: 2, unknown: 404}, 20, []string{"", "t001", "tok-2", "skip2"},
		},
		"a lie in Link is made good": {
			fakeServer{tasks: unsorted, skip: true, max: 2, lie: "junk"}, 20, []string{"", "junk", "skip2", "skip4"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &tt.server
			ids := collect(t, serve(t, s).NewPass(Query{Limit: tt.limit}), 20, nil)
			slices.Sort(ids)
			if len(ids) != len(s.tasks) || len(slices.Compact(ids)) != len(s.tasks) {
				t.Errorf("listed %v, want all of %v once", ids, idsOf(s.tasks))
			}
			if !slices.Equal(s.cursors(), tt.want) {
				t.Errorf("asked for %q, want %q", s.cursors(), tt.want)
			}
		})
	}
}

// Language-aware databases don't sort bytewise; that is an order all the same.
func TestCollatedIDsStayInKeyset(t *testing.T) {
	tasks := []fakeTask{{id: "a-1"}, {id: "A2"}, {id: "b-1"}, {id: "B2"}}
	n := 0
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cursor := r.URL.Query().Get("cursor")
		at := slices.IndexFunc(tasks, func(t fakeTask) bool { return t.id == cursor }) + 1
		if strings.HasPrefix(cursor, "skip") {
			at = len(tasks)
		}
		n++
		_, _ = fmt.Fprint(w, "[")
		if at < len(tasks) {
			_, _ = fmt.Fprint(w, tasks[at].json()+","+tasks[at+1].json())
		}
		_, _ = fmt.Fprint(w, "]")
	}))
	ids := collect(t, c.NewPass(Query{}), 10, nil)
	if !slices.Equal(ids, idsOf(tasks)) || n != 4 {
		t.Errorf("listed %v in %d requests, want %v in 4", ids, n, idsOf(tasks))
	}
}

func TestRefusedCursorOfAKnownServer(t *testing.T) {
	s := &fakeServer{tasks: taskList(60), order: true, keyset: true, skip: true, max: 20}
	c := serve(t, s)
	collect(t, c.NewPass(Query{}), 10, nil)

	s.requests = nil
	s.keyset, s.unknown = false, 500
	p := c.NewPass(Query{})
	if err := p.Next(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := p.Next(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	s.keyset = true
	collect(t, p, 10, nil)
	if want := []string{"", "t019", "skip5000000", "t019", "t020", "t040", "t059"}; !slices.Equal(s.cursors(), want) {
		t.Errorf("asked for %q, want %q: a passing error must not end the listing by id", s.cursors(), want)
	}
}

func TestErrorOnALaterPageStaysInKeyset(t *testing.T) {
	s := &fakeServer{tasks: taskList(60), order: true, keyset: true, skip: true, max: 20, unknown: 500}
	p := serve(t, s).NewPass(Query{})
	for range 2 {
		if err := p.Next(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	s.keyset = false
	if err := p.Next(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	s.keyset = true
	collect(t, p, 10, nil)
	if want := []string{"", "t019", "t039", "skip5000000", "t039", "t059"}; !slices.Equal(s.cursors(), want) {
		t.Errorf("asked for %q, want %q", s.cursors(), want)
	}
}

// Rows that were inserted push seen ones back: a page of those is not the end.
func TestOffsetGoesOnBehindSeenPages(t *testing.T) {
	s := &fakeServer{skip: true, max: 2, tasks: []fakeTask{{id: "d"}, {id: "c"}, {id: "b"}, {id: "a"}, {id: "e"}, {id: "f"}}}
	s.before = func(n int) {
		if n == 2 {
			s.tasks = append([]fakeTask{{id: "x"}, {id: "y"}, {id: "z"}}, s.tasks...)
		}
	}
	ids := collect(t, serve(t, s).NewPass(Query{}), 10, nil)
	if !slices.Equal(ids, []string{"d", "c", "b", "a", "e", "f"}) {
		t.Errorf("listed %v", ids)
	}
}

func TestErrorIsReturnedWhereOffsetFailsToo(t *testing.T) {
	s := &fakeServer{tasks: taskList(60), order: true, max: 20, unknown: 500}
	p := serve(t, s).NewPass(Query{})
	for n := range 2 {
		if err := p.Next(t.Context(), all); err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
	}
	wantKind(t, p.Next(t.Context(), all), Unavailable)
	s.keyset = true
	collect(t, p, 10, nil)
	if !p.Seen("t059") {
		t.Error("the pass did not go on after the error")
	}
}

func TestStoppedTaskComesAgain(t *testing.T) {
	s := &fakeServer{tasks: taskList(30), order: true, keyset: true, skip: true}
	p := serve(t, s).NewPass(Query{})
	var got []string
	for !p.Done() {
		n := 0
		if err := p.Next(t.Context(), func(task Task) bool {
			n++
			if n > 10 {
				if p.Seen(task.ID) {
					t.Errorf("%s is seen before it is consumed", task.ID)
				}
				return false
			}
			got = append(got, task.ID)
			return true
		}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, idsOf(s.tasks)) {
		t.Errorf("consumed %v", got)
	}
	if want := []string{"", "t009", "t019", "t029"}; !slices.Equal(s.cursors(), want) {
		t.Errorf("asked for %q, want %q", s.cursors(), want)
	}
}

// The rest of a stopped answer is owed, even by a server that knows no cursor at all.
func TestStoppedTaskComesAgainWithoutCursors(t *testing.T) {
	for _, unknown := range []int{0, 200} {
		for _, q := range []Query{{}, {UpdatedSince: 1}} {
			s := &fakeServer{tasks: taskList(5), unknown: unknown}
			stop := false
			ids := collect(t, serve(t, s).NewPass(q), 10, func() bool {
				stop = !stop
				return !stop
			})
			if !slices.Equal(ids, idsOf(s.tasks)) {
				t.Errorf("answering %d to cursors, %+v: listed %v", unknown, q, ids)
			}
		}
	}
}

// A server that knows no paging at all, and says so, is listed by its one answer. One that offers a next page is not.
func TestRefusedBehindTheLastPage(t *testing.T) {
	for _, refusal := range []int{http.StatusBadRequest, http.StatusNotFound} {
		s := &fakeServer{tasks: taskList(5), unknown: refusal}
		if ids := collect(t, serve(t, s).NewPass(Query{}), 10, nil); !slices.Equal(ids, idsOf(s.tasks)) {
			t.Errorf("answering %d to cursors: listed %v", refusal, ids)
		}
		p := serve(t, &fakeServer{tasks: taskList(5), unknown: refusal, max: 3}).NewPass(Query{})
		failed := 0
		for range 10 {
			if p.Next(t.Context(), all) != nil {
				failed++
			}
		}
		if failed == 0 || p.Done() {
			t.Errorf("answering %d to cursors, with more to come: %d errors, done %v", refusal, failed, p.Done())
		}
	}
}

func TestAPassGoesOnAfterABrokenAnswer(t *testing.T) {
	n := 0
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		switch cursor := r.URL.Query().Get("cursor"); {
		case n == 1:
			w.Header().Set("Content-Length", "1000")
			_, _ = fmt.Fprint(w, "["+fakeTask{id: "a"}.json()+","+fakeTask{id: "b"}.json()+`,{"id":`)
		case cursor == "b":
			_, _ = fmt.Fprint(w, "["+fakeTask{id: "c"}.json()+"]")
		default:
			_, _ = fmt.Fprint(w, "[]")
		}
	}))
	p := c.NewPass(Query{})
	wantKind(t, p.Next(t.Context(), all), Unavailable)
	if !p.Seen("a") || !p.Seen("b") {
		t.Error("what was yielded before the error is not seen")
	}
	if ids := collect(t, p, 5, nil); !slices.Equal(ids, []string{"c"}) {
		t.Errorf("then yielded %v, want c", ids)
	}
}

func TestCallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	err := c.NewPass(Query{}).Next(ctx, all)
	if e, ok := errors.AsType[*Error](err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v (%v), want the error of the context", err, e)
	}
}
