// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// The map of the code has each package that is shipped, and each function and type that it names is where it says.
func TestArchitectureIsTrue(t *testing.T) {
	g := NewWithT(t)
	declared, all := declarations(g), map[string]bool{}
	for _, names := range declared {
		for name := range names {
			all[name] = true
		}
	}
	page := read(g, "docs/architecture.md")
	named := map[string]bool{}
	for _, row := range packageRows.FindAllStringSubmatch(page, -1) {
		for _, room := range quoted.FindAllStringSubmatch(row[1], -1) {
			path := regexp.MustCompile(`^redact/`).ReplaceAllString(room[1], "internal/redact/")
			named[path] = true
			for _, entry := range quoted.FindAllStringSubmatch(row[3], -1) {
				if declared[path] != nil {
					g.Expect(has(declared[path], entry[1])).To(BeTrue(), "docs/architecture.md: %s has no %s", path, entry[1])
				}
			}
		}
	}
	for path := range declared {
		g.Expect(named[path]).To(BeTrue(), "docs/architecture.md lacks %s", path)
	}
	calls := 0
	for _, row := range callRows.FindAllStringSubmatch(page, -1) {
		calls++
		g.Expect(quoted.FindString(row[2])).NotTo(BeEmpty(), row[0])
		function := quoted.FindStringSubmatch(row[2])[1]
		g.Expect(declared["internal/"+row[1]][function]).To(BeTrue(), "docs/architecture.md: %s has no %s", row[1], function)
		for _, name := range quoted.FindAllStringSubmatch(row[2]+row[3], -1) {
			g.Expect(has(all, name[1])).To(BeTrue(), "docs/architecture.md: there is no %s: %s", name[1], row[0])
		}
	}
	g.Expect(calls).To(BeNumerically(">", 20))
}

// Each package that is shipped has a lint rule that says which others it may import: one that was forgotten could import all of them.
func TestEachPackageHasItsArrows(t *testing.T) {
	g := NewWithT(t)
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct{ Files []string }
				}
			}
		}
	}
	g.Expect(yaml.Unmarshal([]byte(read(g, ".golangci.yml")), &config)).To(Succeed())
	guarded := map[string]bool{"internal/kubetest": true, "internal/studio/livepeertest": true} // only tests import these
	for name, rule := range config.Linters.Settings.Depguard.Rules {
		for _, pattern := range rule.Files {
			if files := guardedFiles.FindStringSubmatch(pattern); files != nil && strings.HasPrefix(name, "from-") {
				for path := range strings.SplitSeq(files[2]+files[3], ",") {
					guarded["internal/"+files[1]+path] = true
				}
			}
		}
	}
	for path := range declarations(g) {
		g.Expect(guarded[path]).To(BeTrue(), ".golangci.yml: no rule from-... says what %s may import", path)
	}
}

// has reports whether a package declares that, or a method of that name.
func has(declared map[string]bool, name string) bool {
	for known := range declared {
		if known == name || strings.HasSuffix(known, "."+name) {
			return true
		}
	}
	return false
}

var (
	// quoted is what is written as code.
	quoted = regexp.MustCompile("`([^`]+)`")
	// packageRows say of a package its job, its entry points if it has some, and what it must not do.
	packageRows = regexp.MustCompile("(?m)^\\| (`[^|]*`) \\| ([^|]*) \\| (?:([^|]*) \\| )?[^|]* \\|$")
	// guardedFiles are those of some packages of internal: of one, or of several within braces.
	guardedFiles = regexp.MustCompile(`^\*\*/internal/([^{*]*)(?:\{(.*)\}|([^{}*/]+))/\*\.go$`)
	// callRows are those of the walks.
	callRows = regexp.MustCompile(`(?m)^\| \d+ \| ([a-z/]+) \| ([^|]*) \| ([^|]*) \|$`)
)

// declarations are the functions, methods (Type.Method), types, constants and variables of each package in internal.
func declarations(g Gomega) map[string]map[string]bool {
	files, err := filepath.Glob(filepath.Join(root, "internal", "*", "*.go"))
	g.Expect(err).NotTo(HaveOccurred())
	deeper, err := filepath.Glob(filepath.Join(root, "internal", "*", "*", "*.go"))
	g.Expect(err).NotTo(HaveOccurred())
	declared := map[string]map[string]bool{}
	for _, file := range append(files, deeper...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		g.Expect(err).NotTo(HaveOccurred())
		room, err := filepath.Rel(root, filepath.Dir(file))
		g.Expect(err).NotTo(HaveOccurred())
		if declared[room] == nil {
			declared[room] = map[string]bool{}
		}
		for _, d := range tree.Decls {
			for _, name := range namesOf(d) {
				declared[room][name] = true
			}
		}
	}
	g.Expect(len(declared)).To(BeNumerically(">", 30))
	return declared
}

func namesOf(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		of := d.Recv.List[0].Type
		if pointer, ok := of.(*ast.StarExpr); ok {
			of = pointer.X
		}
		if generic, ok := of.(*ast.IndexExpr); ok {
			of = generic.X
		}
		if id, ok := of.(*ast.Ident); ok {
			return []string{id.Name + "." + d.Name.Name}
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}

// Each tool that is built is in the page of development, and each Kubernetes that can be run against in the one that says what was run.
func TestToolsAndVersionsAreNamed(t *testing.T) {
	g := NewWithT(t)
	for folder, place := range map[string][2]string{
		"tools": {"docs/development.md", "`tools/%s`"}, "tools/kubernetes": {"docs/install.md", "\n| %s."},
	} {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(entries).NotTo(BeEmpty())
		for _, entry := range entries {
			named := strings.Contains(read(g, place[0]), fmt.Sprintf(place[1], entry.Name()))
			g.Expect(named).To(BeTrue(), "%s lacks %s/%s", place[0], folder, entry.Name())
		}
	}
}

// What the pages for developers name is there: files, and what looks like a name in Go (notShown, TestHeals).
func TestPagesForDevelopersNameWhatIsThere(t *testing.T) {
	g := NewWithT(t)
	var paths []string
	words, each := map[string]bool{}, regexp.MustCompile(`\w+`)
	g.Expect(filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains([]string{".git", "bin", "dist", "node_modules"}, entry.Name()) {
			return fs.SkipDir
		}
		paths = append(paths, "/"+filepath.ToSlash(file))
		if err == nil && slices.Contains([]string{".go", ".yaml"}, filepath.Ext(file)) {
			raw, err := os.ReadFile(file)
			g.Expect(err).NotTo(HaveOccurred())
			for _, word := range each.FindAllString(string(raw), -1) {
				words[word] = true
			}
		}
		return err
	})).To(Succeed())
	isFile := regexp.MustCompile(`^[\w./-]+\.(go|json|tsv|tsx?|tmpl|yaml)$`)
	isName := regexp.MustCompile(`^(\w+\.)?[A-Za-z][a-z]+[A-Z]\w*$`)
	for _, page := range []string{"CONTRIBUTING.md", "docs/architecture.md", "docs/development.md"} {
		for _, span := range quoted.FindAllStringSubmatch(prose(g, filepath.Join(root, page)), -1) {
			name := span[1]
			switch {
			case isFile.MatchString(name) && !strings.HasPrefix(name, "dist/"):
				there := slices.ContainsFunc(paths, func(path string) bool { return strings.HasSuffix(path, "/"+name) })
				g.Expect(there).To(BeTrue(), "%s names a file that is not there: %s", page, name)
			case isName.MatchString(name):
				g.Expect(words[name[strings.LastIndex(name, ".")+1:]]).To(BeTrue(), "%s: neither Go nor YAML has %s", page, name)
			}
		}
	}
}

func read(g Gomega, file string) string {
	raw, err := os.ReadFile(filepath.Join(root, file))
	g.Expect(err).NotTo(HaveOccurred())
	return string(raw)
}
