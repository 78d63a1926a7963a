// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// TestAPassAsksForRoom: an answer lists more tasks than a pass may remember. It says so, goes on later, and yields each task once.
func TestAPassAsksForRoom(t *testing.T) {
	const all = 2*RoomOf + 10
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "[")
		if r.URL.Query().Get("cursor") == "" {
			for n := range all {
				_, _ = fmt.Fprintf(w, `{"id":"%d"},`, n)
			}
		}
		_, _ = io.WriteString(w, `{"id":"last"}]`)
	}))
	asked, rooms := 0, 0
	pass := c.NewPass(Query{Limit: all, Room: func() bool {
		asked++
		return asked <= rooms
	}})
	yielded := 0
	next := func() error { return pass.Next(t.Context(), func(Task) bool { yielded++; return true }) }
	for rooms = range 2 {
		err := next()
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Unavailable || yielded != (rooms+1)*RoomOf || pass.Rooms() != rooms {
			t.Fatalf("%d rooms: %d tasks, %d rooms, %v", rooms, yielded, pass.Rooms(), err)
		}
		asked = rooms
	}
	for rooms = all; !pass.Done(); {
		if err := next(); err != nil {
			t.Fatal(err)
		}
	}
	if yielded != all+1 || pass.Rooms() != 2 {
		t.Errorf("%d tasks, %d rooms", yielded, pass.Rooms())
	}
}
