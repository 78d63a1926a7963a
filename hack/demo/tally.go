// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// transition is a change of phase that a watcher saw.
type transition struct {
	from, to string
}

// tally counts tasks by phase, and how they change. Safe for concurrent use.
type tally struct {
	mu          sync.Mutex
	phases      map[string]string // by name of the task
	transitions map[transition]int
	deleted     int
}

func newTally() *tally {
	return &tally{phases: map[string]string{}, transitions: map[transition]int{}}
}

// see notes the phase of a task: a new task's first write has none yet.
func (t *tally) see(name, phase string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before := t.phases[name]; before != "" && phase != before {
		t.transitions[transition{before, phase}]++
	}
	t.phases[name] = phase
}

func (t *tally) gone(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.phases, name)
	t.deleted++
}

// result is what the demonstration has shown.
type result struct {
	phases      map[string]int
	transitions map[transition]int
	deleted     int
	// polls counts the operator's requests to Studio; -1 where nobody counted.
	polls int
	// pushed are the times from Studio to the cluster of what was pushed, sorted.
	pushed []time.Duration
	// writes counts the API server's requests that changed a LivepeerTask.
	writes int
}

func (t *tally) result() result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := result{phases: map[string]int{}, transitions: maps.Clone(t.transitions), deleted: t.deleted, polls: -1}
	for _, phase := range t.phases {
		r.phases[phase]++
	}
	return r
}

// mirrored counts the tasks that are there, status and all.
func (r result) mirrored() int {
	sum := 0
	for phase, n := range r.phases {
		if phase != "" {
			sum += n
		}
	}
	return sum
}

func (r result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Mirrored %d tasks", r.mirrored())
	separator := ": "
	for _, phase := range slices.SortedFunc(maps.Keys(r.phases), compareLife) {
		if phase != "" {
			fmt.Fprintf(&b, "%s%d %s", separator, r.phases[phase], phase)
			separator = ", "
		}
	}
	b.WriteString(".\n")

	for _, t := range slices.SortedFunc(maps.Keys(r.transitions), compareTransitions) {
		fmt.Fprintf(&b, "  %4d x %s -> %s%s\n", r.transitions[t], t.from, t.to, t.remark())
	}
	if r.deleted > 0 {
		fmt.Fprintf(&b, "  %4d x deleted\n", r.deleted)
	}
	if n := len(r.pushed); n > 0 {
		fmt.Fprintf(&b, "Studio pushed %d changes, in the median %d ms from Studio to the cluster.\n", n, r.pushed[n/2].Milliseconds())
	}
	if r.polls >= 0 {
		fmt.Fprintf(&b, "The operator asked Studio %d times. ", r.polls)
	}
	fmt.Fprintf(&b, "The LivepeerTasks were written %d times.", r.writes)
	return b.String()
}

func (t transition) remark() string {
	switch {
	case t.from == v1alpha1.PhaseFailed || t.from == v1alpha1.PhaseCancelled:
		return " (retried by its owner)"
	case t.to == v1alpha1.PhaseWaiting && t.from == v1alpha1.PhaseRunning:
		return " (an attempt failed)"
	}
	return ""
}

// compareLife sorts phases as a task goes through them, and those of a newer Studio last.
func compareLife(a, b string) int {
	life := []string{
		v1alpha1.PhasePending, v1alpha1.PhaseWaiting, v1alpha1.PhaseRunning,
		v1alpha1.PhaseCompleted, v1alpha1.PhaseFailed, v1alpha1.PhaseCancelled,
	}
	place := func(phase string) int {
		if i := slices.Index(life, phase); i >= 0 {
			return i
		}
		return len(life)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
}

func compareTransitions(a, b transition) int {
	return cmp.Or(compareLife(a.from, b.from), compareLife(a.to, b.to))
}
