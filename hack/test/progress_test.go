// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// told is what is printed of packages that say this, one after the other.
type told struct {
	*progress
	out *bytes.Buffer
	now time.Time
}

func newTold(t *testing.T, total int) *told {
	t.Helper()
	it := &told{out: &bytes.Buffer{}, now: time.Unix(1000, 0)}
	it.progress = newProgress(it.out, t.TempDir(), total, func() time.Time { return it.now })
	return it
}

func (p *told) says(t *testing.T, label string, events ...event) (failed bool) {
	t.Helper()
	var lines bytes.Buffer
	for i := range events {
		NewWithT(t).Expect(json.NewEncoder(&lines).Encode(events[i])).To(Succeed())
	}
	failed, err := follow(&lines, label, p.progress)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return failed
}

func TestEachPackageIsToldWhenItIsThrough(t *testing.T) {
	g := NewWithT(t)
	p := newTold(t, 2)
	a, b := module+"internal/a", module+"internal/b"
	p.says(t, "",
		event{Action: "start", Package: a}, event{Action: "start", Package: b},
		event{Action: "run", Package: a, Test: "TestX"}, event{Action: "output", Package: a, Test: "TestX", Output: "chatter\n"},
		event{Action: "pass", Package: a, Test: "TestX", Elapsed: 2}, event{Action: "pass", Package: a, Elapsed: 2.5})
	g.Expect(p.out.String()).To(Equal("[ 1/2]    2.5 s  internal/a\n"))
	p.says(t, "", event{Action: "skip", Package: b, Test: "TestY"}, event{Action: "pass", Package: b})

	g.Expect(p.summary()).To(BeTrue())
	g.Expect(p.out.String()).To(And(ContainSubstring("[ 2/2]    0.0 s  internal/b\n"), ContainSubstring("2.0 s  internal/a TestX\n"),
		ContainSubstring("1 passed, 1 skipped, 0 failed"), Not(ContainSubstring("chatter"))))
	log, err := os.ReadFile(filepath.Join(p.logs, "internal-a.log"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(log)).To(Equal("chatter\n"))
}

// What fails is shown in full at the end, and nothing else.
func TestFailuresAreShownAtTheEnd(t *testing.T) {
	g := NewWithT(t)
	p := newTold(t, 3)
	a := module + "internal/a"
	output := func(test, text string) event { return event{Action: "output", Package: a, Test: test, Output: text} }
	failed := p.says(t, "",
		event{Action: "run", Package: a, Test: "TestFine"}, output("TestFine", "all is well\n"), event{Action: "pass", Package: a, Test: "TestFine"},
		event{Action: "run", Package: a, Test: "TestBad"}, event{Action: "run", Package: a, Test: "TestBad/case"},
		output("TestBad/case", "expected 1\n"), output("TestBad/case", "got 2\n"),
		event{Action: "fail", Package: a, Test: "TestBad/case"}, event{Action: "fail", Package: a, Test: "TestBad"},
		event{Action: "run", Package: a, Test: "TestHangs"}, output("TestHangs", "waiting\n"),
		output("", "panic: test timed out\n"), event{Action: "fail", Package: a, Elapsed: 9})
	g.Expect(failed).To(BeTrue())
	broken := p.says(t, "", event{Action: "build-output", ImportPath: "b [b.test]", Output: "b.go:1: no\n"},
		event{Action: "fail", Package: "b", FailedBuild: "b [b.test]"})
	g.Expect(broken).To(BeTrue())
	g.Expect(p.out.String()).To(And(ContainSubstring("[ 1/3]    9.0 s  FAIL internal/a\n"), Not(ContainSubstring("got 2"))))

	p.out.Reset()
	g.Expect(p.summary()).To(BeFalse())
	g.Expect(p.out.String()).To(And(
		ContainSubstring("=== FAIL internal/a: TestBad/case, TestBad\n"), ContainSubstring("expected 1\ngot 2\n"),
		ContainSubstring("waiting\n"), ContainSubstring("panic: test timed out\n"), Not(ContainSubstring("all is well")),
		ContainSubstring("=== FAIL b\nb.go:1: no\n"), HaveSuffix("FAIL: internal/a, b\n")))
}

// A package that was never heard of did not pass.
func TestMissingPackagesFail(t *testing.T) {
	p := newTold(t, 2)
	p.says(t, "", event{Action: "pass", Package: "a"})
	NewWithT(t).Expect(p.summary()).To(BeFalse())
}

// Two commands may test the same package at the same time.
func TestLabelsKeepCommandsApart(t *testing.T) {
	g := NewWithT(t)
	p := newTold(t, 2)
	p.says(t, "", event{Action: "start", Package: "a"})
	p.says(t, " (again)", event{Action: "start", Package: "a"}, event{Action: "pass", Package: "a"})
	g.Expect(p.out.String()).To(HaveSuffix("a (again)\n"))
	p.says(t, "", event{Action: "pass", Package: "a"})
	g.Expect(p.summary()).To(BeTrue())
}

func TestRemindsWhereNothingIsSaid(t *testing.T) {
	g := NewWithT(t)
	p := newTold(t, 1)
	p.remind()
	g.Expect(p.out.String()).To(BeEmpty())
	p.now = p.now.Add(quiet)
	p.remind()
	g.Expect(p.out.String()).To(HaveSuffix("... 20s: building\n"))
	p.says(t, "", event{Action: "run", Package: "a", Test: "TestX"})
	p.now = p.now.Add(time.Second)
	p.says(t, "", event{Action: "run", Package: "a", Test: "TestY"})
	p.remind()
	p.now = p.now.Add(quiet)
	p.remind()
	g.Expect(strings.Count(p.out.String(), "\n")).To(Equal(2))
	g.Expect(p.out.String()).To(HaveSuffix("... 41s: a (0 tests through, at TestX and TestY)\n"))
	p.says(t, "", event{Action: "pause", Package: "a", Test: "TestX"})
	p.now = p.now.Add(quiet)
	p.remind()
	g.Expect(p.out.String()).To(HaveSuffix("at TestY)\n"))
	for _, name := range []string{"TestX", "TestZ", "TestA"} {
		p.now = p.now.Add(time.Second)
		p.says(t, "", event{Action: "cont", Package: "a", Test: name})
	}
	p.now = p.now.Add(quiet)
	p.remind()
	g.Expect(p.out.String()).To(HaveSuffix("at TestY and TestX and TestZ)\n"))
}
