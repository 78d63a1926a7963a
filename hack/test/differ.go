// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// differing returns the tests of a package that are others without the race detector, in order: those that are in its files with the
// build tag !race, and those that use something declared there, be it by way of other functions.
func (p *pkg) differing() ([]string, error) {
	names := map[string]bool{}
	var functions []*ast.FuncDecl
	others := slices.DeleteFunc(slices.Clone(p.IgnoredGoFiles), func(file string) bool { return !strings.HasSuffix(file, "_test.go") })
	for _, file := range slices.Concat(p.TestGoFiles, p.XTestGoFiles, others) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ignored := slices.Contains(others, file)
		for _, declaration := range parsed.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok {
				functions = append(functions, function)
				names[function.Name.Name] = names[function.Name.Name] || ignored
			} else if ignored {
				declare(declaration, names)
			}
		}
	}
	for more := true; more; {
		more = false
		for _, function := range functions {
			if name := function.Name.Name; !names[name] && uses(function, names) {
				names[name], more = true, true
			}
		}
	}
	maps.DeleteFunc(names, func(name string, differs bool) bool {
		isTest := slices.ContainsFunc([]string{"Test", "Fuzz", "Example"}, func(kind string) bool { return strings.HasPrefix(name, kind) })
		return !differs || !isTest || name == "TestMain"
	})
	return slices.Sorted(maps.Keys(names)), nil
}

// declare adds the names of constants, variables and types.
func declare(declaration ast.Decl, names map[string]bool) {
	ast.Inspect(declaration, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ValueSpec:
			for _, name := range node.Names {
				names[name.Name] = true
			}
		case *ast.TypeSpec:
			names[node.Name.Name] = true
		}
		return true
	})
}

// uses reports whether a function mentions one of the names.
func uses(function *ast.FuncDecl, names map[string]bool) (found bool) {
	ast.Inspect(function, func(node ast.Node) bool {
		name, ok := node.(*ast.Ident)
		found = found || ok && names[name.Name] && name != function.Name
		return !found
	})
	return found
}
