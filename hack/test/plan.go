// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// withoutRace are the packages that are tested without the race detector, and why: it makes everything several times as
// slow, and finds nothing where nothing is concurrent. Every other package is tested with it.
func withoutRace() map[string]string {
	const (
		pure   = "pure functions"
		files  = "compares files"
		drives = "drives processes, which run what is concurrent"
	)
	return map[string]string{
		".":                 drives,
		"hack/chart":        drives,
		"hack/controlplane": drives,
		"hack/demo":         drives,
		"hack/flags":        files,
		"hack/monitoring":   files,
		"hack/rights":       files,
		"hack/testbed":      drives,
		"internal/mirror":   pure,
		"internal/redact":   pure,
		"internal/scan":     pure,
		"test/apps":         drives,
		"test/backup":       drives,
		"test/bench":        drives,
		"test/docs":         drives,
		"test/e2e":          drives,
		"test/soak":         drives,
		"test/api":          pure,
	}
}

// command is one call of go test.
type command struct {
	dir      string // of the module
	race     bool
	again    bool // what was tested with the race detector
	packages []string
	tests    []string // all where there are none
}

// pkg is a package that has tests, as go list tells it.
type pkg struct {
	ImportPath, Dir           string
	TestGoFiles, XTestGoFiles []string
	IgnoredGoFiles            []string
	Module                    struct{ Path string }
}

// name is the path below the module's, and . for the package at the top.
func (p *pkg) name() string {
	return cmp.Or(strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/"), ".")
}

// size is how much there is to test: what is large takes long, and is begun first.
func (p *pkg) size() (bytes int64) {
	for _, file := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		if info, err := os.Stat(filepath.Join(p.Dir, file)); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// plan returns what is to be run: lanes side by side, so that no core is idle while tests wait, and the commands of a lane one by one.
func plan(ctx context.Context, root string) ([][]command, error) {
	return planWith(ctx, root, withoutRace())
}

func planWith(ctx context.Context, root string, spared map[string]string) ([][]command, error) {
	packages, err := list(ctx, root)
	if err != nil {
		return nil, err
	}
	raced, plain, again := command{dir: root, race: true}, command{dir: root}, command{dir: root, again: true}
	for i := range packages {
		p := &packages[i]
		if _, found := spared[p.name()]; found {
			delete(spared, p.name())
			plain.packages = append(plain.packages, p.ImportPath)
			continue
		}
		raced.packages = append(raced.packages, p.ImportPath)
		tests, err := p.differing()
		if err != nil {
			return nil, err
		}
		if len(tests) > 0 {
			again.packages, again.tests = append(again.packages, p.ImportPath), append(again.tests, tests...)
		}
	}
	if len(spared) > 0 {
		return nil, fmt.Errorf("hack/test spares packages the race detector that are not there or have no tests: %s",
			strings.Join(slices.Sorted(maps.Keys(spared)), ", "))
	}
	others, err := otherModules(ctx, root)
	none := func(c command) bool { return len(c.packages) == 0 } // go test without packages tests the working directory
	return [][]command{
		slices.DeleteFunc([]command{raced}, none),
		slices.DeleteFunc([]command{again}, none),
		slices.DeleteFunc([]command{plain}, none),
		others,
	}, err
}

// otherModules are tested without the race detector, save what is shipped (cmd): they hold tools, and tests of documents.
func otherModules(ctx context.Context, root string) ([]command, error) {
	var commands []command
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == root || entry.Name() != "go.mod" && !entry.IsDir():
			return nil
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "dist", "testdata"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || filepath.Dir(path) == root:
			return nil
		}
		c := command{dir: filepath.Dir(path), race: strings.HasPrefix(path, filepath.Join(root, "cmd")+string(filepath.Separator))}
		if tests, err := hasTests(c.dir); err != nil || !tests {
			return err // a module that pins a tool need not be one that this Go can load
		}
		packages, err := list(ctx, c.dir)
		for i := range packages {
			c.packages = append(c.packages, packages[i].ImportPath)
		}
		if len(c.packages) > 0 {
			commands = append(commands, c)
		}
		return err
	})
	return commands, err
}

// hasTests reports whether there is a test below a folder.
func hasTests(dir string) (found bool, err error) {
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			found, err = true, fs.SkipAll
		}
		return err
	})
	return found, err
}

// list returns the packages of a module that have tests, the largest first.
func list(ctx context.Context, dir string) ([]pkg, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-race", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles,IgnoredGoFiles,Module", "./...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	var stderr bytes.Buffer // says that a module of tools has no packages
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w: %s", dir, err, stderr.Bytes())
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list in %s: %w", dir, err)
		}
		if len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			packages = append(packages, p)
		}
	}
	slices.SortStableFunc(packages, func(a, b pkg) int { return cmp.Compare(b.size(), a.size()) })
	return packages, nil
}
