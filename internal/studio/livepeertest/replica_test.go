// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// What is read is the state of a while ago, in the list and by id, while webhooks and the owner see that of now.
func TestLag(t *testing.T) {
	var ms atomic.Int64
	s := NewServer(WithClock(func() time.Time { return time.UnixMilli(ms.Load()) }))
	s.Put(Task{"id": "a", "n": 0}, Task{"id": "gone"})
	s.Lag(100 * time.Millisecond)
	look := func() string {
		w := do(t, s, "/api/task/a")
		return ids(t, do(t, s, "/api/task?order=id-false").Body.Bytes()) + " " + w.Body.String()
	}
	check := func(at int64, want string) {
		t.Helper()
		if ms.Store(at); look() != want {
			t.Errorf("at %d: %s, want %s", at, look(), want)
		}
	}
	ms.Store(10)
	s.Put(Task{"id": "a", "n": 1})
	ms.Store(20)
	s.Purge("gone")
	s.Put(Task{"id": "new"})
	ms.Store(30)
	s.Update("a", func(t Task) { t["n"] = 2 })
	if now, _ := s.Get("a"); fmt.Sprint(now["n"]) != "2" {
		t.Errorf("the owner sees %v", now)
	}
	check(109, `a gone {"n":0,"id":"a"}`)
	check(110, `a gone {"n":1,"id":"a"}`)
	check(120, `a new {"n":1,"id":"a"}`)
	check(130, `a new {"n":2,"id":"a"}`)
	s.Reset()
	check(229, `a new {"n":2,"id":"a"}`)
	check(230, ` {"errors":["not found"]}`)
	s.Put(Task{"id": "a", "n": 3})
	check(231, ` {"errors":["not found"]}`)
	s.Lag(0)
	check(231, `a {"n":3,"id":"a"}`)
}
