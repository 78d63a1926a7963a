// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is a line of go test -json.
type event struct {
	Action, Package, ImportPath string
	Test, Output                string
	Elapsed                     float64 // seconds
	FailedBuild                 string
}

// running is a package whose tests run.
type running struct {
	name    string
	log     io.WriteCloser
	through int                         // top-level tests
	since   map[string]time.Time        // tests that were begun, and are not through
	output  map[string]*strings.Builder // of tests that have not passed; that of the package itself is under ""
	failed  []string                    // tests
}

// progress follows the packages, and tells of them. Safe for concurrent use.
type progress struct {
	mu       sync.Mutex
	out      io.Writer
	now      func() time.Time
	logs     string // folder
	total    int    // packages
	through  int
	begun    time.Time
	told     time.Time
	packages map[string]*running
	builds   map[string]*strings.Builder // what the compiler said
	counts   map[string]int              // of tests, by how they ended
	slowest  []timed                     // tests
	failures []string                    // to be shown at the end
	failed   []string                    // packages
}

// timed is how long something took.
type timed struct {
	name    string
	seconds float64
}

func newProgress(out io.Writer, logs string, total int, now func() time.Time) *progress {
	return &progress{
		out: out, now: now, logs: logs, total: total, begun: now(), told: now(),
		packages: map[string]*running{}, builds: map[string]*strings.Builder{}, counts: map[string]int{},
	}
}

// take follows one event. label tells commands apart that test the same package.
func (p *progress) take(label string, e *event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Action == "build-output" {
		if p.builds[e.ImportPath] == nil {
			p.builds[e.ImportPath] = &strings.Builder{}
		}
		p.builds[e.ImportPath].WriteString(e.Output)
	}
	if e.Package == "" {
		return nil
	}
	key := e.Package + label
	if p.packages[key] == nil {
		r := &running{name: shorten(e.Package) + label, since: map[string]time.Time{}, output: map[string]*strings.Builder{}}
		var err error
		if r.log, err = os.Create(filepath.Join(p.logs, fileName(r.name))); err != nil {
			return err
		}
		p.packages[key] = r
	}
	r := p.packages[key]
	if e.Output != "" {
		if _, err := io.WriteString(r.log, e.Output); err != nil {
			return err
		}
		if r.output[e.Test] == nil {
			r.output[e.Test] = &strings.Builder{}
		}
		r.output[e.Test].WriteString(e.Output)
	}
	if e.Test != "" {
		p.takeTest(r, e)
		return nil
	}
	if ended(e.Action) {
		delete(p.packages, key)
		p.end(r, e)
		return r.log.Close()
	}
	return nil
}

func ended(action string) bool { return action == "pass" || action == "fail" || action == "skip" }

func (p *progress) takeTest(r *running, e *event) {
	switch e.Action {
	case "run", "cont":
		r.since[e.Test] = p.now()
	case "pause": // until those that are not parallel are through
		delete(r.since, e.Test)
	}
	if !ended(e.Action) {
		return
	}
	delete(r.since, e.Test)
	p.counts[e.Action]++
	if e.Action == "fail" {
		r.failed = append(r.failed, e.Test)
	} else {
		delete(r.output, e.Test)
	}
	if !strings.Contains(e.Test, "/") {
		r.through++
		p.slowest = append(p.slowest, timed{r.name + " " + e.Test, e.Elapsed})
	}
}

// end tells that a package is through.
func (p *progress) end(r *running, e *event) {
	p.through++
	mark := ""
	if e.Action == "fail" {
		mark = "FAIL "
		p.failed = append(p.failed, r.name)
		p.failures = append(p.failures, p.failure(r, e))
	}
	p.say("[%2d/%d] %6.1f s  %s%s", p.through, p.total, e.Elapsed, mark, r.name)
}

// failure is all that is known of a package that failed: what its tests printed that failed or were not through, what the package
// printed, and what the compiler said.
func (p *progress) failure(r *running, e *event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n=== FAIL %s", r.name)
	if len(r.failed) > 0 {
		fmt.Fprintf(&b, ": %s", strings.Join(r.failed, ", "))
	}
	b.WriteString("\n")
	if build := p.builds[e.FailedBuild]; build != nil {
		b.WriteString(build.String())
	}
	for _, test := range slices.Sorted(maps.Keys(r.output)) {
		b.WriteString(r.output[test].String())
	}
	fmt.Fprintf(&b, "--- all that it printed: %s\n", filepath.Join(p.logs, fileName(r.name)))
	return b.String()
}

// remind says what is going on, where nothing was said for some time.
func (p *progress) remind() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now().Sub(p.told) < quiet {
		return
	}
	var busy []string
	for _, r := range p.packages {
		busy = append(busy, fmt.Sprintf("%s (%d tests through, at %s)", r.name, r.through, r.at()))
	}
	slices.Sort(busy)
	if len(busy) == 0 {
		busy = []string{"building"}
	}
	p.say("        ... %s: %s", p.now().Sub(p.begun).Round(time.Second), strings.Join(busy, ", "))
}

// at names the three tests that have been running for longest. More than one, because the result of the last one that ended is known only
// with the next line of output: it may be another one that hangs.
func (r *running) at() string {
	tests := slices.SortedFunc(maps.Keys(r.since), func(a, b string) int {
		return cmp.Or(r.since[a].Compare(r.since[b]), cmp.Compare(a, b))
	})
	if len(tests) == 0 {
		return "none"
	}
	return strings.Join(tests[:min(len(tests), 3)], " and ")
}

func (p *progress) say(format string, args ...any) {
	p.told = p.now()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// summary shows what failed, and counts.
func (p *progress) summary() (passed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, failure := range p.failures {
		fmt.Fprint(p.out, failure)
	}
	slices.SortFunc(p.slowest, func(a, b timed) int { return cmp.Compare(b.seconds, a.seconds) })
	fmt.Fprintln(p.out, "\nThe slowest tests:")
	for _, one := range p.slowest[:min(len(p.slowest), 10)] {
		fmt.Fprintf(p.out, "%14.1f s  %s\n", one.seconds, one.name)
	}
	fmt.Fprintf(p.out, "\n%d of %d packages in %s; tests: %d passed, %d skipped, %d failed. What they printed: %s\n", p.through, p.total,
		p.now().Sub(p.begun).Round(time.Second), p.counts["pass"], p.counts["skip"], p.counts["fail"], p.logs)
	if len(p.failed) > 0 {
		fmt.Fprintf(p.out, "FAIL: %s\n", strings.Join(p.failed, ", "))
	}
	return len(p.failed) == 0 && p.through == p.total
}

func shorten(importPath string) string { return strings.TrimPrefix(importPath, module) }

func fileName(name string) string {
	return strings.NewReplacer("/", "-", " ", "-", "(", "", ")", "").Replace(name) + ".log"
}
