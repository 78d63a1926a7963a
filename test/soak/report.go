// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// figure names something that is counted.
type figure string

const (
	duration      figure = "seconds"
	operations    figure = "operations in Studio"
	peoplesEdits  figure = "edits and deletions by people"
	kills         figure = "kills of the operator"
	restarts      figure = "API server restarts"
	leaderChanges figure = "leader changes"
	leasesLost    figure = "leases lost by a running leader"
	exits         figure = "exits while the API server was in trouble"
	writes        figure = "writes by the operator"
	deletions     figure = "LivepeerTasks deleted"
	rounds        figure = "rounds"
	compared      figure = "tasks compared"
	lateTasks     figure = "differences that settled after the sync"
	memoryPeak    figure = "operator memory peak (KiB)"

	differences     figure = "differences"
	wrongDeletions  figure = "wrong deletions"
	doubled         figure = "doubled objects"
	writesAfterLoss figure = "writes after a lost lease"
	unexpectedExits figure = "unexpected exits and panics"
	stuck           figure = "rounds that did not recover"
)

// bad are the figures that must be 0.
func bad() []figure {
	return []figure{differences, wrongDeletions, doubled, writesAfterLoss, unexpectedExits, stuck}
}

// report counts, and tells at once what must not be. Safe for concurrent use.
type report struct {
	mu      sync.Mutex
	out     io.Writer
	figures map[figure]int
	faults  map[string]map[string]int // where, what
}

func newReport(out io.Writer) *report {
	return &report{out: out, figures: map[figure]int{}, faults: map[string]map[string]int{}}
}

func (r *report) add(f figure, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.figures[f] += n
}

func (r *report) atLeast(f figure, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.figures[f] = max(r.figures[f], n)
}

func (r *report) get(f figure) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.figures[f]
}

// wrong counts one thing that must not be, and says what it is.
func (r *report) wrong(f figure, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.figures[f]++
	fmt.Fprintf(r.out, "  WRONG (%s): %s\n", f, text)
}

func (r *report) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...) // before the lock: an argument may be the report itself
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(r.out, text)
}

// fault counts a fault that was injected.
func (r *report) fault(where, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.faults[where] == nil {
		r.faults[where] = map[string]int{}
	}
	r.faults[where][what]++
}

// clean reports whether nothing happened that must not.
func (r *report) clean() bool {
	for _, f := range bad() {
		if r.get(f) > 0 {
			return false
		}
	}
	return true
}

func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	line := func(name string, n int, more string) { fmt.Fprintf(&b, "%-42s %8d%s\n", name, n, more) }
	for _, f := range []figure{duration, rounds, operations, peoplesEdits} {
		line(string(f), r.figures[f], "")
	}
	for _, where := range slices.Sorted(maps.Keys(r.faults)) {
		line("faults injected: "+where, sum(r.faults[where]), "  ("+tell(r.faults[where])+")")
	}
	for _, f := range []figure{
		kills, restarts, leaderChanges, leasesLost, exits, writes, deletions, memoryPeak, compared, lateTasks,
	} {
		line(string(f), r.figures[f], "")
	}
	for _, f := range bad() {
		line(string(f), r.figures[f], "")
	}
	return b.String()
}

func sum(counts map[string]int) int {
	n := 0
	for _, count := range counts {
		n += count
	}
	return n
}

func tell(counts map[string]int) string {
	told := make([]string, 0, len(counts))
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		told = append(told, fmt.Sprintf("%d %s", counts[what], what))
	}
	return strings.Join(told, ", ")
}
