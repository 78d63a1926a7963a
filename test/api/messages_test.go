// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

var fieldPath = regexp.MustCompile(`\bspec(\.[a-z][A-Za-z]*)+`)

// TestMessagesNameFieldsThatThereAre: a message that says to change spec.x is of no use where there is no such field.
func TestMessagesNameFieldsThatThereAre(t *testing.T) {
	named := 0
	for _, dir := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(node ast.Node) bool {
				if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					for _, field := range fieldPath.FindAllString(literal.Value, -1) {
						named++
						if !isField(field) {
							t.Errorf("%s: no kind has the field %s, which %s names", path, field, literal.Value)
						}
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if named < 20 {
		t.Errorf("only %d fields are named: where are the messages?", named)
	}
}

// isField reports whether one of the two kinds has such a path.
func isField(path string) bool {
	for _, of := range []reflect.Type{reflect.TypeFor[v1alpha1.LivepeerTaskSource](), reflect.TypeFor[v1alpha1.LivepeerTask]()} {
		if has(of, strings.Split(path, ".")) {
			return true
		}
	}
	return false
}

func has(of reflect.Type, path []string) bool {
	if len(path) == 0 {
		return true
	}
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return false
	}
	for _, field := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == path[0] {
			return has(field.Type, path[1:])
		}
	}
	return false
}
