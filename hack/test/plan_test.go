// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// Every package of this repository is tested, once in full: with the race detector unless it is spared.
func TestPlanHasEveryPackage(t *testing.T) {
	g := NewWithT(t)
	root, err := filepath.Abs("../..")
	g.Expect(err).NotTo(HaveOccurred())
	lanes, err := plan(t.Context(), root)
	g.Expect(err).NotTo(HaveOccurred())
	raced, planned := map[string]bool{}, map[string]int{}
	dirs := map[string]bool{}
	for _, lane := range lanes {
		for i := range lane {
			dirs[lane[i].dir] = true
			for _, name := range lane[i].packages {
				if !lane[i].again {
					planned[name]++
					raced[name] = lane[i].race
				}
			}
		}
	}
	g.Expect(len(planned)).To(BeNumerically(">", 20))
	for name, times := range planned {
		g.Expect(times).To(Equal(1), name)
	}
	g.Expect(raced).To(HaveKeyWithValue(module+"internal/controller", true))
	for name := range withoutRace() {
		g.Expect(raced).To(HaveKeyWithValue(strings.TrimSuffix(module+name, "/."), false))
	}
	g.Expect(dirs).To(HaveKey(filepath.Join(root, "test", "recipes")), "the modules below are tested, too")
	g.Expect(raced).To(HaveKeyWithValue(module+"cmd/kubectl-livepeer/internal/command", true))
}

const usesRuns = `package b

func TestSame(*testing.T) { other() }
func TestRuns(*testing.T) { all{}.run() }
func TestMain(*testing.M) { all{}.run() }
func other()              {}

type all struct{}

func (all) run() { many(func() { _ = runs }) }
func many(func()) {}
`

// Tests of which the race detector allows a small form only run without it, too.
func TestLargerFormsRunAgain(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":                "module example.com/x\n\ngo 1.26\n",
		"a/a_test.go":           "package a\n",
		"b/b_test.go":           "package b\n",
		"b/large_test.go":       "//go:build !race\n\npackage b\n\nconst runs = 9\n\nfunc TestLarge(*testing.T) {}\n\nfunc ExampleLarge() {}\n",
		"b/small_test.go":       "//go:build race\n\npackage b\n\nconst runs = 1\n",
		"b/runs_test.go":        usesRuns,
		"c/c.go":                "package c // has no tests\n",
		"cmd/s/go.mod":          "module example.com/s\n\ngo 1.26\n",
		"cmd/s/s_test.go":       "package s\n",
		"tools/t/go.mod":        "module example.com/t\n\ngo 1.26\n",
		"tools/t/t_test.go":     "package t\n",
		"tools/empty/go.mod":    "module example.com/empty\n\ngo 9.99\n", // only pins a tool, which may take a newer Go
		"bin/ignored/go.mod":    "module example.com/ignored\n\ngo 1.26\n",
		"bin/ignored/i_test.go": "package i\n",
	} {
		path := filepath.Join(dir, name)
		g.Expect(os.MkdirAll(filepath.Dir(path), 0o750)).To(Succeed())
		g.Expect(os.WriteFile(path, []byte(content), 0o600)).To(Succeed())
	}
	lanes, err := planWith(t.Context(), dir, map[string]string{"a": "pure"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(lanes).To(Equal([][]command{
		{
			{dir: dir, race: true, packages: []string{"example.com/x/b"}},
		},
		{
			{dir: dir, again: true, packages: []string{"example.com/x/b"}, tests: []string{"ExampleLarge", "TestLarge", "TestRuns"}},
		},
		{
			{dir: dir, packages: []string{"example.com/x/a"}},
		},
		{
			{dir: filepath.Join(dir, "cmd", "s"), race: true, packages: []string{"example.com/s"}},
			{dir: filepath.Join(dir, "tools", "t"), packages: []string{"example.com/t"}},
		},
	}))

	_, err = planWith(t.Context(), dir, map[string]string{"c": "pure", "gone": "pure"})
	g.Expect(err).To(MatchError(ContainSubstring("c, gone")))
}
