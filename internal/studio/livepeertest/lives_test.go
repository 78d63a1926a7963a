// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var start = time.UnixMilli(1_795_000_000_000)

func TestGenerate(t *testing.T) {
	tasks := slices.Collect(Generate(400, 7, start))
	if diff := cmp.Diff(tasks, slices.Collect(Generate(400, 7, start))); diff != "" {
		t.Fatalf("the same seed makes other tasks: %s", diff)
	}
	seen, kinds, phases := map[any]bool{}, map[any]int{}, map[any]int{}
	largest := 0
	for _, task := range tasks {
		status := object(task, "status")
		seen[task["id"]], kinds[task["type"]], phases[status["phase"]] = true, kinds[task["type"]]+1, phases[status["phase"]]+1
		updated := milliseconds(status["updatedAt"])
		if updated != absent && (updated < milliseconds(task["createdAt"]) || updated > start.UnixMilli()) {
			t.Errorf("%s changed at %d", task["id"], updated)
		}
		e, err := encoded(task)
		if err != nil || !json.Valid(e.raw) {
			t.Fatalf("%v: %v", task, err)
		}
		if task["type"] == "upload" && status["phase"] == "completed" {
			largest = max(largest, len(e.raw))
		}
		if (task["output"] != nil) != (status["phase"] == "completed") {
			t.Errorf("%s is %v with output %v", task["id"], status["phase"], task["output"])
		}
	}
	if len(seen) != 400 || len(kinds) != 5 || len(phases) != 7 { // one of the seven: no status
		t.Errorf("%d ids, types %v, phases %v", len(seen), kinds, phases)
	}
	if largest < 3500 || largest > 5000 {
		t.Errorf("a completed upload has %d bytes", largest)
	}
}

// next is where a task can go from each phase; "" is a task that is not there.
var next = map[string][]string{
	"":          {"pending"},
	"pending":   {"waiting"},
	"waiting":   {"running", "cancelled"},
	"running":   {"running", "waiting", "completed", "failed", "cancelled"},
	"failed":    {"waiting"},
	"cancelled": {"waiting"},
}

func TestLives(t *testing.T) {
	s := NewServer(WithClock(func() time.Time { return start }))
	s.Populate(40, 3)
	sim := NewSimulator(s, 3, 1)
	before := map[string]Task{}
	for _, id := range s.IDs() {
		before[id], _ = s.Get(id)
	}
	steps, deleted := map[string]int{}, 0
	for now := start; now.Before(start.Add(100 * time.Minute)); now = now.Add(time.Second) {
		touched := map[string]bool{}
		for _, c := range sim.Step(now) {
			task, ok := s.Get(c.ID)
			if !ok || touched[c.ID] {
				t.Fatalf("%+v: there %t, twice in a step %t", c, ok, touched[c.ID])
			}
			touched[c.ID] = true
			if c.What == "deleted" {
				deleted++
				before[c.ID] = task
				continue
			}
			checkStep(t, before[c.ID], task, now)
			steps[phase(before[c.ID])+" "+phase(task)]++
			before[c.ID] = task
		}
		if len(touched) == 0 && now.Sub(start) > time.Hour && s.Len() == 0 {
			t.Fatal("nothing lives")
		}
	}
	for from, list := range next {
		for _, to := range list {
			if steps[from+" "+to] == 0 {
				t.Errorf("never went from %q to %q in %v", from, to, steps)
			}
		}
	}
	if deleted == 0 {
		t.Error("nothing was deleted")
	}
}

func phase(t Task) string {
	p, _ := object(t, "status")["phase"].(string)
	return p
}

func checkStep(t *testing.T, old, task Task, now time.Time) {
	t.Helper()
	from, to, status := phase(old), phase(task), object(task, "status")
	if !slices.Contains(next[from], to) {
		t.Errorf("%s went from %q to %q", task["id"], from, to)
	}
	if updated := milliseconds(status["updatedAt"]); updated != now.UnixMilli() {
		t.Errorf("%s: changed at %d, stamped %d", task["id"], now.UnixMilli(), updated)
	}
	oldStatus := object(old, "status")
	switch {
	case from == "running" && to == "running":
		if fraction(status["progress"]) < fraction(oldStatus["progress"]) || fraction(status["progress"]) > 1 {
			t.Errorf("%s: progress from %v to %v", task["id"], oldStatus["progress"], status["progress"])
		}
	case from == "running" && to == "waiting":
		if milliseconds(status["retries"]) != milliseconds(oldStatus["retries"])+1 || status["errorMessage"] == nil ||
			status["progress"] != nil {
			t.Errorf("a failed attempt: %v", status)
		}
	case from == "failed":
		if milliseconds(status["retries"]) != 0 || status["errorMessage"] != oldStatus["errorMessage"] {
			t.Errorf("retried by its owner: %v", status)
		}
	case to == "completed":
		if len(status) != 2 || task["output"] == nil {
			t.Errorf("completed: %v", status)
		}
	}
}

func TestSameSeedSameLives(t *testing.T) {
	live := func() []Change {
		s := NewServer(WithClock(func() time.Time { return start }))
		s.Populate(30, 5)
		sim := NewSimulator(s, 5, 10)
		steps := make([][]Change, 300)
		for i := range steps {
			steps[i] = sim.Step(start.Add(time.Duration(i) * time.Second))
		}
		return slices.Concat(steps...)
	}
	if newMaker(5, streamGenerate).uuid() == newMaker(5, streamSimulate).uuid() {
		t.Error("later tasks get the ids of those at the start")
	}
	first := live()
	if diff := cmp.Diff(first, live()); diff != "" || len(first) < 100 {
		t.Errorf("%d changes; the same seed lives otherwise: %s", len(first), diff)
	}
}

// However fast, a task is seen in every phase it goes through.
func TestOneChangeInAStep(t *testing.T) {
	s := NewServer()
	s.Populate(100, 1)
	sim := NewSimulator(s, 1, 1e12)
	for i := range 50 {
		touched := map[string]bool{}
		for _, c := range sim.Step(start.Add(time.Duration(i) * time.Second)) {
			if touched[c.ID] && c.What != "deleted" {
				t.Fatalf("%+v: twice in one step", c)
			}
			touched[c.ID] = true
		}
	}
}

// Two changes in one millisecond still move updatedAt, and a masked address hides its key alone.
func TestStepsOfLife(t *testing.T) {
	m := newMaker(1, streamGenerate)
	task := Task{"id": "a", "type": "upload", "params": obj{"upload": obj{"url": "s3+https://" + "AK:S%2FK@h/b/1.mp4"}}}
	setStatus(task, start, obj{"phase": "pending"})
	schedule(task, start)
	m.complete(task, start)
	if got := milliseconds(object(task, "status")["updatedAt"]); got != start.UnixMilli()+2 {
		t.Errorf("updatedAt %d", got)
	}
	if got := object(object(task, "params"), "upload")["url"]; got != "s3+https://***:***@h/b/1.mp4" {
		t.Errorf("masked: %v", got)
	}
}
