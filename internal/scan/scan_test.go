// SPDX-License-Identifier: Apache-2.0

package scan_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/livepeer/livepeer-task-operator/internal/scan"
)

// tree is what a scanner finds, as encoding/json would show it.
func tree(s *scan.Scanner) any {
	switch s.Peek() {
	case '"':
		return string(s.Text())
	case '{':
		members := map[string]any{}
		s.Object(func(key []byte) {
			name := string(key)
			ahead := s.Ahead()
			members[name] = tree(ahead)
			s.Raw()
		})
		return members
	case '[':
		elements := []any{}
		s.Array(func() { elements = append(elements, tree(s)) })
		return elements
	}
	switch word := string(s.Literal()); word {
	case "null":
		return nil
	case "true", "false":
		return word == "true"
	default:
		return json.Number(word)
	}
}

// FuzzScanner: valid JSON is what encoding/json says it is, and anything else does no harm.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e3,true,false,null,"x"],"b":{"c":{}},"a":7}`, ` [ ] `, `{ "\u0061\"\\" : "\ud800\n" , "" : [[],{}] }`,
		"\"\xff\xfe\"", `"\\"`, `{"a":1}}`, `{"a" 1}`, `[1,]`, `"`, `{"a":"\`, `01`, ``, `{"a":{"b":"]}"}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := scan.New(text)
		got := tree(s)
		if !json.Valid(text) {
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || s.Failed() || s.Peek() != 0 {
			t.Fatalf("%q: %s, failed: %v", text, diff, s.Failed())
		}
		raw := scan.New(text)
		if whole := raw.Raw(); raw.Failed() || !bytes.Equal(whole, bytes.Trim(text, " \t\r\n")) {
			t.Fatalf("%q: raw %q", text, whole)
		}
	})
}

// TestNoJSON: a scanner notices where it can't go on.
func TestNoJSON(t *testing.T) {
	for _, text := range []string{``, `"`, `{"a"}`, `{"a":1`, `[1`, `{"a":"\`, `{"a":[}`, `{1:2}`} {
		s := scan.New([]byte(text))
		if tree(s); !s.Failed() {
			t.Errorf("%q is taken for JSON", text)
		}
	}
}
