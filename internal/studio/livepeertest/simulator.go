// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Change is something that happened to a task.
type Change struct {
	ID, Type string
	What     string // for people: "running 40%", "failed: ...", "created", "deleted"
}

// Simulator lets the tasks of a Server live. Not for concurrent use.
type Simulator struct {
	server   *Server
	maker    *maker
	speed    float64
	events   []event // the next first
	planned  int
	started  bool
	finished []string // candidates for deletion
}

// event is something that will happen: to the task with this id or, without one, in the account.
type event struct {
	at   time.Time
	seq  int // keeps events of one moment in order
	id   string
	what func(now time.Time) []Change
}

// NewSimulator makes a simulator for the server's tasks; speed 2 makes everything happen twice as fast. The same seed,
// tasks and times of Step give the same lives.
func NewSimulator(server *Server, seed uint64, speed float64) *Simulator {
	return &Simulator{server: server, maker: newMaker(seed, streamSimulate), speed: speed}
}

// Step makes happen what is due, at most one thing to each task, and returns it. Every change is stamped with now. The
// first Step only takes stock of the tasks there are.
func (s *Simulator) Step(now time.Time) []Change {
	if !s.started {
		s.start(now)
	}
	var changes []Change
	for len(s.events) > 0 && !s.events[0].at.After(now) {
		e := s.events[0]
		s.events = slices.Delete(s.events, 0, 1)
		if e.what != nil {
			changes = append(changes, e.what(now)...)
		} else if c := s.advance(e.id, now); c != nil {
			changes = append(changes, *c)
		}
	}
	return changes
}

func (s *Simulator) start(now time.Time) {
	s.started = true
	s.server.store.view(func(state *Snapshot) {
		for _, e := range state.byID {
			switch e.phase {
			case "pending", "waiting", "running":
				s.later(now, e.id, time.Second, 20*time.Second)
			case "completed":
				s.finished = append(s.finished, e.id)
			case "failed", "cancelled":
				s.endBadly(e.id, now)
			}
		}
	})
	s.inAccount(now, 20*time.Second, s.create)
	s.inAccount(now, 20*time.Minute, s.remove)
}

// later plans the next change of a task between least and most from now.
func (s *Simulator) later(now time.Time, id string, least, most time.Duration) {
	s.plan(event{id: id, at: now.Add(s.scaled(least + time.Duration(s.maker.rand.Int64N(int64(most-least)))))})
}

// inAccount plans the next change of the account, on average every so often.
func (s *Simulator) inAccount(now time.Time, every time.Duration, what func(time.Time) []Change) {
	wait := time.Duration(s.maker.rand.ExpFloat64() * float64(every))
	s.plan(event{at: now.Add(s.scaled(wait)), what: what})
}

func (s *Simulator) scaled(d time.Duration) time.Duration {
	// At least a millisecond later: nothing happens twice in one Step.
	return max(time.Duration(float64(d)/s.speed), time.Millisecond)
}

func (s *Simulator) plan(e event) {
	s.planned++
	e.seq = s.planned
	i, _ := slices.BinarySearchFunc(s.events, e, func(a, b event) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.seq, b.seq))
	})
	s.events = slices.Insert(s.events, i, e)
}

func (s *Simulator) create(now time.Time) []Change {
	t := s.maker.newTask(now)
	s.server.Put(t)
	id, _ := t["id"].(string)
	kind, _ := t["type"].(string)
	s.later(now, id, 2*time.Second, 10*time.Second)
	s.inAccount(now, 20*time.Second, s.create)
	return []Change{{ID: id, Type: kind, What: "created"}}
}

func (s *Simulator) remove(now time.Time) []Change {
	s.inAccount(now, 20*time.Minute, s.remove)
	if len(s.finished) == 0 {
		return nil
	}
	i := s.maker.rand.IntN(len(s.finished))
	id := s.finished[i]
	s.finished = slices.Delete(s.finished, i, i+1)
	t, ok := s.server.Get(id)
	if !ok || t["deleted"] == true || !s.server.Delete(id) {
		return nil
	}
	kind, _ := t["type"].(string)
	return []Change{{ID: id, Type: kind, What: "deleted"}}
}

// advance takes one task one step further, and plans the next.
func (s *Simulator) advance(id string, now time.Time) *Change {
	c := &Change{ID: id}
	if t, ok := s.server.Get(id); !ok || t["deleted"] == true {
		return nil
	}
	s.server.Update(id, func(t Task) {
		c.Type, _ = t["type"].(string)
		switch object(t, "status")["phase"] {
		case "pending":
			c.What = "waiting"
			schedule(t, now)
			s.later(now, id, time.Second, 8*time.Second)
		case "waiting":
			c.What = s.leaveWaiting(t, now)
		case "running":
			c.What = s.leaveRunning(t, now)
		case "failed", "cancelled":
			c.What = "retried by its owner"
			requeue(t, now, 0, object(t, "status")["errorMessage"])
			s.later(now, id, time.Second, 8*time.Second)
		}
	})
	return c
}

func (s *Simulator) leaveWaiting(t Task, now time.Time) string {
	id, _ := t["id"].(string)
	if s.maker.rand.IntN(40) == 0 {
		cancel(t, now)
		s.endBadly(id, now)
		return "cancelled"
	}
	run(t, now, 0)
	s.later(now, id, 3*time.Second, 12*time.Second)
	return "running"
}

func (s *Simulator) leaveRunning(t Task, now time.Time) string {
	id, _ := t["id"].(string)
	r := s.maker.rand
	progress := fraction(object(t, "status")["progress"]) + 0.02 + 0.2*r.Float64()
	switch chance := r.IntN(200); {
	case chance == 0:
		cancel(t, now)
		s.endBadly(id, now)
		return "cancelled"
	case chance < 8:
		return s.attemptFailed(t, now)
	case progress >= 1:
		s.maker.complete(t, now)
		s.finished = append(s.finished, id)
		return "completed"
	}
	progress = float64(int(progress*100)) / 100
	run(t, now, progress)
	s.later(now, id, 3*time.Second, 12*time.Second)
	return fmt.Sprintf("running %.0f%%", progress*100)
}

// attemptFailed gives a task up to two more attempts.
func (s *Simulator) attemptFailed(t Task, now time.Time) string {
	id, _ := t["id"].(string)
	retries := int(max(milliseconds(object(t, "status")["retries"]), 0))
	message := s.maker.errorMessage()
	if retries < 2 && s.maker.rand.IntN(3) > 0 {
		requeue(t, now, retries+1, "transient: "+message)
		s.later(now, id, 30*time.Second, 3*time.Minute)
		return "attempt failed: " + message
	}
	fail(t, now, message, retries)
	s.endBadly(id, now)
	return "failed: " + message
}

// endBadly notes that a task ended without a result, which its owner does not always accept.
func (s *Simulator) endBadly(id string, now time.Time) {
	s.finished = append(s.finished, id)
	if s.maker.rand.IntN(4) == 0 {
		s.later(now, id, 30*time.Second, 5*time.Minute)
	}
}

// fraction reads a progress, 0 to 1.
func fraction(v any) float64 {
	n, _ := v.(json.Number)
	f, _ := n.Float64() // 0 if there is none
	return f
}
