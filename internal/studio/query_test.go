// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestUpdatedSince(t *testing.T) {
	for _, filter := range []string{"honour", "refuse", ""} {
		t.Run(filter, func(t *testing.T) {
			s := &fakeServer{tasks: taskList(30), order: true, keyset: true, skip: true, filter: filter}
			since := s.tasks[25].updated
			ids := collect(t, serve(t, s).NewPass(Query{UpdatedSince: since}), 10, nil)
			want := idsOf(s.tasks)
			if filter == "honour" {
				want = want[25:]
			}
			if !slices.Equal(ids, want) {
				t.Errorf("listed %v, want %v", ids, want)
			}
			if f := s.requests[0].Get("filters"); f != fmt.Sprintf(`[{"id":"updatedAt","value":{"gte":%d}}]`, since) {
				t.Errorf("filter %s", f)
			}
		})
	}
}

func TestUnchangedAnswerIsNotRepeated(t *testing.T) {
	s := &fakeServer{tasks: taskList(3), order: true, keyset: true, skip: true, filter: "honour", etag: true}
	c := serve(t, s)
	q := Query{UpdatedSince: s.tasks[1].updated}
	for n, want := range []int{2, 2, 0} { // what was not stored is listed again
		p := c.NewPass(q)
		if ids := collect(t, p, 10, nil); len(ids) != want {
			t.Errorf("pass %d listed %v, want %d", n, ids, want)
		}
		if n > 0 {
			p.Stored()
		}
	}
	s.tasks = append(s.tasks, fakeTask{id: "t9", updated: s.tasks[2].updated})
	if ids := collect(t, c.NewPass(q), 10, nil); len(ids) != 3 {
		t.Errorf("a change was not seen: %v", ids)
	}
	if want := []int{200, 200, 200, 200, 304, 200, 200}; !slices.Equal(s.statuses, want) {
		t.Errorf("answers %v, want %v", s.statuses, want)
	}
}

// TestATagOfNoUseIsNotKept: what a server calls its answers is kept for each source at rest, and sent with each poll. One that is long takes
// the memory that all share.
func TestATagOfNoUseIsNotKept(t *testing.T) {
	for name, tag := range map[string]string{
		"long": `"` + strings.Repeat("x", 10_000) + `"`, "not ASCII": "\"\u00e4\"", "none": "", "usual": `W/"2-l9Fw4VUO7kr8CvBlt4zaMCqXZ0w"`,
	} {
		sent := ""
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sent += r.Header.Get("If-None-Match")
			w.Header().Set("ETag", tag)
			if r.URL.Query().Get("cursor") != "" {
				_, _ = fmt.Fprint(w, "[]")
				return
			}
			_, _ = fmt.Fprint(w, "["+fakeTask{id: "a", updated: 5}.json()+"]")
		}))
		for range 3 {
			p := c.NewPass(Query{UpdatedSince: 1})
			if ids := collect(t, p, 10, nil); len(ids) != 1 {
				t.Errorf("%s: listed %v", name, ids)
			}
			p.Stored()
		}
		if use := name == "usual"; use != (sent != "") {
			t.Errorf("%s: %d bytes were sent", name, len(sent))
		}
	}
}

// TestALongProjectIsNone: the projects of a listing are kept for each source at rest. One that is longer than any that is mirrored counts as
// none, so that 40 sources of one owner can't take the memory that all share.
func TestALongProjectIsNone(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var all []string
		for n := range 90 {
			all = append(all, fmt.Sprintf(`{"id":"%04d","projectId":"%d%s"}`, n, n, strings.Repeat("x", 10_000*(n%2))))
		}
		if r.URL.Query().Get("cursor") != "" {
			all = nil
		}
		_, _ = fmt.Fprint(w, "["+strings.Join(all, ",")+"]")
	}))
	p := c.NewPass(Query{})
	if ids := collect(t, p, 10, nil); len(ids) != 90 {
		t.Errorf("listed %d", len(ids))
	}
	size := 0
	for project := range p.Projects() {
		size += len(project)
	}
	if _, short := p.Projects()["2"]; !short || size > 1000 {
		t.Errorf("%d projects of %d bytes", len(p.Projects()), size)
	}
}

func TestUnchangedAnswerThatWasNotReadWholly(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"x"`)
		switch {
		case r.Header.Get("If-None-Match") != "":
			w.WriteHeader(http.StatusNotModified)
		case r.URL.Query().Get("cursor") != "":
			_, _ = fmt.Fprint(w, "[]")
		default:
			_, _ = fmt.Fprint(w, "["+fakeTask{id: "a"}.json()+","+fakeTask{id: "b"}.json()+","+fakeTask{id: "c"}.json()+"]")
		}
	}))
	q := Query{UpdatedSince: 1}
	p := c.NewPass(q)
	for range 2 {
		if err := p.Next(t.Context(), func(task Task) bool { return task.ID == "a" }); err != nil {
			t.Fatal(err)
		}
	}
	p.Stored()
	if ids := collect(t, c.NewPass(q), 10, nil); len(ids) != 3 {
		t.Errorf("listed %v, want all that an aborted pass left", ids)
	}
}

func TestNewestFirst(t *testing.T) {
	s := &fakeServer{tasks: taskList(25), filter: "honour", max: 10}
	slices.Reverse(s.tasks)
	p := serve(t, s).NewPass(Query{NewestFirst: true})
	ids := collect(t, p, 10, nil)
	if !slices.Equal(ids, idsOf(s.tasks)) {
		t.Errorf("listed %v, want newest first", ids)
	}
	if got := s.requests[0].Get("order"); got != "updatedAt-true,id-false" {
		t.Errorf("order %s", got)
	}
	if p.Newest() != s.tasks[0].updated {
		t.Errorf("newest %d, want %d", p.Newest(), s.tasks[0].updated)
	}
}

func TestNewestFirstEnds(t *testing.T) {
	same := taskList(5)
	timeless := taskList(5)
	for i := range same {
		same[i].updated = 1795000000000
		timeless[i].updated = 0
	}
	for name, tt := range map[string]struct {
		server   *fakeServer
		requests int
	}{
		"one and the same time": {&fakeServer{tasks: same, filter: "honour", max: 2}, 2},
		"no times":              {&fakeServer{tasks: timeless, filter: "honour", max: 2}, 1},
		"filter refused":        {&fakeServer{tasks: taskList(5), filter: "refuse", max: 2}, 2},
		"filter ignored":        {&fakeServer{tasks: taskList(5), max: 2}, 2},
		"nothing there":         {&fakeServer{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			collect(t, serve(t, tt.server).NewPass(Query{NewestFirst: true}), 3, nil)
			if n := len(tt.server.requests); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
}

// TestHasMore: whether there are more than so many tasks is one request. A server that knows no offsets, or refuses them, leads to more
// reading, or to none, and to no error.
func TestHasMore(t *testing.T) {
	refusing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"errors":["cursor"]}`, http.StatusBadRequest)
	})
	for name, c := range map[string]struct {
		server http.Handler
		tasks  int
		want   bool
	}{
		"more":             {&fakeServer{tasks: taskList(30), order: true, keyset: true, skip: true}, 29, true},
		"just as many":     {&fakeServer{tasks: taskList(30), order: true, keyset: true, skip: true}, 30, false},
		"knows no offsets": {&fakeServer{tasks: taskList(30), order: true, keyset: true, unknown: 200}, 100, true},
		"refused":          {refusing, 10, false},
	} {
		if got, err := serve(t, c.server).HasMore(t.Context(), c.tasks); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestWhatAProxyTakesForNow moves no watermark: its error page comes before the first answer, and its clock is ahead.
func TestWhatAProxyTakesForNow(t *testing.T) {
	const now = 1795000000000
	for name, status := range map[string]int{"bad gateway": http.StatusBadGateway, "a login page": http.StatusOK} {
		n := 0
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			at := int64(now)
			pages := []string{"<html></html>", "[" + fakeTask{"a", now}.json() + "]", "[" + fakeTask{"b", now + 30_000}.json() + "]", "[]", "[]"}
			if n == 0 {
				at += time.Hour.Milliseconds()
			}
			w.Header().Set("Date", time.UnixMilli(at).UTC().Format(http.TimeFormat))
			if n == 0 {
				w.WriteHeader(status)
			}
			_, _ = fmt.Fprint(w, pages[n])
			n++
		}))
		p := c.NewPass(Query{UpdatedSince: 1})
		if err := p.Next(t.Context(), func(Task) bool { return true }); err == nil {
			t.Errorf("%s is no error", name)
		}
		collect(t, p, 5, nil)
		if p.Newest() != now {
			t.Errorf("%s: newest is %d s after the first answer: what changed meanwhile is not asked for again", name, (p.Newest()-now)/1000)
		}
	}
}

func TestNewestIsPlausible(t *testing.T) {
	const now = 1795000000000
	n := 0
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.UnixMilli(now).UTC().Format(http.TimeFormat))
		pages := []string{
			"[" + fakeTask{"a", now + 59_000}.json() + "," + fakeTask{"b", now + 61_000}.json() + "," + fakeTask{"c", 1}.json() + "]",
			"[" + fakeTask{"d", now + 60_000}.json() + "]", "[]", "[]",
		}
		_, _ = fmt.Fprint(w, pages[n])
		n++
	}))
	p := c.NewPass(Query{})
	collect(t, p, 5, nil)
	if p.Newest() != now+59_000 {
		t.Errorf("newest is %d s from the server's time, want 59: only the first answer and no far future", (p.Newest()-now)/1000)
	}
}
