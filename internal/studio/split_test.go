// SPDX-License-Identifier: Apache-2.0

// One goroutine at a time: the race detector would make it ten times as slow, and find nothing. make test runs it without.

//go:build !race

package studio

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// split returns the elements of a list, read in pieces of any size.
func split(t interface{ Fatalf(string, ...any) }, r io.Reader) []string {
	var elements []string
	s := newSplitter(r)
	whole, err := s.list(func(raw []byte) bool {
		elements = append(elements, string(raw))
		return true
	})
	if !whole || err != nil {
		t.Fatalf("whole %t, error %v, after %d elements", whole, err, len(elements))
	}
	return elements
}

// anyJSON draws a JSON value.
func anyJSON(t *rapid.T, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.String().Draw(t, "string")
	case 1:
		return rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return nil
	case 4:
		list := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			list = append(list, anyJSON(t, depth-1))
		}
		return list
	default:
		object := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "size") {
			object[rapid.String().Draw(t, "key")] = anyJSON(t, depth-1)
		}
		return object
	}
}

// What is of a usual size comes as it is, wherever reads end.
func TestSplitChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []json.RawMessage
		for range rapid.IntRange(0, 5).Draw(t, "elements") {
			raw, err := json.Marshal(anyJSON(t, 4))
			if err != nil {
				t.Fatalf("%v", err)
			}
			list = append(list, raw)
		}
		text, err := json.Marshal(list)
		if rapid.Bool().Draw(t, "indented") {
			text, err = json.MarshalIndent(list, " ", "\t")
		}
		if err != nil || list == nil {
			text = []byte("[]")
		}
		got := split(t, iotest.OneByteReader(bytes.NewReader(text)))
		if len(got) != len(list) {
			t.Fatalf("%d elements of %s", len(got), text)
		}
		for i := range list {
			var b bytes.Buffer
			if json.Compact(&b, []byte(got[i])) != nil || b.String() != string(list[i]) {
				t.Fatalf("element %d is %s, want %s", i, got[i], list[i])
			}
		}
	})
}

// Of what is too large, the rest of the task and all others are kept.
func TestSplitCutsWhatIsTooLarge(t *testing.T) {
	x := strings.Repeat("x", 3<<20)
	numbers := strings.Repeat("1,", 1<<20)
	for name, tt := range map[string]struct{ in, out string }{
		"a string":          {`"` + x + `"`, `"` + x[:maxString] + `"`},
		"escapes":           {`"` + strings.Repeat(`\u00e9`, 1<<17) + `"`, `"` + strings.Repeat(`\u00e9`, maxString/6) + `"`},
		"quotes":            {`"x` + strings.Repeat(`\"`, 1<<17) + `"`, `"x` + strings.Repeat(`\"`, maxString/2-3) + `"`},
		"a key":             {`{"` + x + `":1}`, `{"` + x[:maxString] + `":1}`},
		"an array":          {`[` + numbers + `1]`, dropped},
		"arrays in arrays":  {`[` + strings.Repeat(`[1,2,3],`, 1<<18) + `{}]`, dropped},
		"an object":         {`{` + strings.Repeat(`"a":{},`, 1<<18) + `"b":1}`, dropped},
		"deep in an object": {`{"a":{"b":{"c":[` + numbers + `1],"d":1}}}`, `{"a":{"b":{"c":` + dropped + `,"d":1}}}`},
		"deep":              {strings.Repeat("[", 1<<17) + strings.Repeat("]", 1<<17), strings.Repeat("[", 511) + dropped + strings.Repeat("]", 511)},
		"strings in it":     {`{"a":["` + strings.Repeat(`x\"]","{`, 1<<17) + `"],"b":1}`, `{"a":` + dropped + `,"b":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := split(t, strings.NewReader(`[{"id":"a"},{"x":`+tt.in+`,"id":"b"},{"id":"c"}]`))
			want := `{"x":` + tt.out + `,"id":"b"}`
			if len(got) != 3 || got[0] != `{"id":"a"}` || got[2] != `{"id":"c"}` {
				t.Fatalf("%d elements", len(got))
			}
			if got[1] != want {
				t.Fatalf("%d bytes, want %d: %.60s", len(got[1]), len(want), got[1])
			}
			if _, ok := parseTask([]byte(got[1])); !ok {
				t.Fatal("what is left is no task")
			}
		})
	}
}

// A task that is all too much is no task, and takes no other along.
func TestSplitDropsATaskOfTooManyMembers(t *testing.T) {
	huge := `{` + strings.Repeat(`"a":"`+strings.Repeat("x", 100<<10)+`",`, 100) + `"id":"b"}`
	ids, bad, whole, err := decodeIDs(`[{"id":"a"},` + huge + `,` + strings.Repeat("7", 5<<20) + `,{"id":"c"}]`)
	if strings.Join(ids, "") != "ac" || bad != 2 || !whole || err != nil {
		t.Errorf("ids %v, bad %d, whole %t, error %v", ids, bad, whole, err)
	}
}

// repeated is a string, again and again.
type repeated struct {
	text string
	left int
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	r.left -= n
	return n, nil
}

// Whatever comes, memory is bounded.
func TestSplitIsBoundedInMemory(t *testing.T) {
	for _, text := range []string{"x", "[1,", `{"a":{"b":1},`, "\x00"} {
		for _, prefix := range []string{`[{"id":"a","x":`, `[{"id":"a","x":"`} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s := newSplitter(io.MultiReader(strings.NewReader(prefix), &repeated{text: text, left: 5 << 20}))
			_, err := s.list(func([]byte) bool { return true })
			runtime.ReadMemStats(&after)
			if err == nil || errors.Is(err, io.EOF) && text != " " {
				t.Errorf("%s%s...: error %v", prefix, text, err)
			}
			// Growing takes the sum of all sizes before.
			if took := after.TotalAlloc - before.TotalAlloc; took > 6*maxTask {
				t.Errorf("%s%s...: %d MiB", prefix, text, took>>20)
			}
		}
	}
}
