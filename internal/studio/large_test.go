// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// turns counts what large tasks ask for, and refuses it where it is closed.
type turns struct {
	closed       bool
	taken, given int
}

func (l *turns) large(context.Context, func()) (func(), error) {
	if l.closed {
		return nil, context.DeadlineExceeded
	}
	l.taken++
	return func() { l.given++ }, nil
}

// TestLargeTasksTakeTurns: a task that is large is read in its turn, which ends with it. Where there is none, that is said, and the listing
// goes on later without a task missing or twice.
func TestLargeTasksTakeTurns(t *testing.T) {
	text := strings.Repeat("x", 100<<10)
	large := fmt.Sprintf(`{"id":"large","a":%q,"b":%q}`, text, text)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/large"):
			_, _ = fmt.Fprint(w, large)
		case r.URL.Query().Get("cursor") == "":
			_, _ = fmt.Fprintf(w, `[{"id":"a"},%s,{"id":"b","a":%q},%s]`, large, text, strings.Replace(large, "large", "second", 1))
		default:
			_, _ = fmt.Fprint(w, "[]")
		}
	}))
	defer srv.Close()
	var l turns
	c := newTestClient(t, Config{BaseURL: srv.URL + "/api", Large: l.large})
	defer c.Close()
	var got []string
	pass := c.NewPass(Query{})
	next := func() error {
		return pass.Next(t.Context(), func(task Task) bool {
			got = append(got, task.ID)
			return true
		})
	}
	l.closed = true
	for _, ask := range []func() error{next, func() error { _, err := c.Get(t.Context(), "large"); return err }} {
		err := ask()
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Unavailable || !strings.Contains(e.Message, "was postponed") || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
	}
	for l.closed = false; !pass.Done(); {
		if err := next(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"a", "large", "b", "second"}; !slices.Equal(got, want) || l.taken == 0 || l.taken != l.given {
		t.Errorf("%v; %d turns taken, %d given back", got, l.taken, l.given)
	}
	before := l.taken
	if task, err := c.Get(t.Context(), "large"); err != nil || string(task.Raw) != large || l.taken != before+1 || l.given != l.taken {
		t.Errorf("%d bytes, %v; %d turns taken, %d given back", len(task.Raw), err, l.taken, l.given)
	}
}
