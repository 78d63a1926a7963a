// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func decodeIDs(s string) (ids []string, bad int, whole bool, err error) {
	whole, err = newSplitter(newBody(strings.NewReader(s))).list(func(raw []byte) bool {
		if t, ok := parseTask(raw); ok {
			ids = append(ids, t.ID)
		} else {
			bad++
		}
		return true
	})
	return ids, bad, whole, err
}

func TestDecodeList(t *testing.T) {
	tests := map[string]struct {
		ids string
		bad int
		ok  bool
	}{
		`[]`:                                      {"", 0, true},
		" \n[ ] \n":                               {"", 0, true},
		`[{"id":"a"},{"id":"b"}]`:                 {"ab", 0, true},
		`[{"id":"a"},null,1,"x",[],{}]`:           {"a", 5, true},
		`[{"id":"a","x":tru},nul,{"id":"b"}]`:     {"b", 2, true},
		"[{\"id\":\"a\",\"x\":\"1\n2\x00\"}]":     {"a", 0, true},
		`[{"id":"a"},]`:                           {"a", 0, false},
		`[,{"id":"a"}]`:                           {"", 0, false},
		`[{"id":"a"]`:                             {"", 0, false},
		`[{"id":1},{"id":""},{"id":{}}]`:          {"", 3, true},
		`[{"ID":"a"},{"id":"b"}]`:                 {"b", 1, true},
		`[{"id":"a","status":7,"deleted":"yes"}]`: {"a", 0, true},
		`[{"id":"a"},{"id":"b"`:                   {"a", 0, false},
		`[{"id":"a"}`:                             {"a", 0, false},
		`[{"id":"a"},`:                            {"a", 0, false},
		`[{"id":"a"} {"id":"b"}]`:                 {"a", 0, false},
		`[{"id":"a"}]]`:                           {"a", 0, false},
		`[{"id":"a"}][]`:                          {"a", 0, false},
		`[`:                                       {"", 0, false},
		`null`:                                    {"", 0, false},
		`{"id":"a"}`:                              {"", 0, false},
		`"text"`:                                  {"", 0, false},
		`<html>`:                                  {"", 0, false},
		``:                                        {"", 0, false},
	}
	for s, want := range tests {
		ids, bad, whole, err := decodeIDs(s)
		if strings.Join(ids, "") != want.ids || bad != want.bad || whole != want.ok || (err == nil) != want.ok {
			t.Errorf("%s: ids %v, bad %d, whole %t, error %v, want %+v", s, ids, bad, whole, err, want)
		}
	}
}

func TestParseTask(t *testing.T) {
	for s, want := range map[string]Task{
		`{"id":"a","status":{"updatedAt":1587667174725},"deleted":true}`: {ID: "a", UpdatedAt: 1587667174725, Deleted: true},
		`{"id":"a","status":{"updatedAt":1.5e3},"deleted":false}`:        {ID: "a", UpdatedAt: 1500},
		`{"id":"a","status":{"updatedAt":"1500"}}`:                       {ID: "a"},
		`{"id":"a","status":{"updatedAt":-5}}`:                           {ID: "a"},
		`{"id":"a","status":{"updatedAt":1e300}}`:                        {ID: "a"},
		`{"id":"a","status":{"UpdatedAt":5}}`:                            {ID: "a"},
		`{"id":"a","status":null}`:                                       {ID: "a"},
		`{"id":"\u0061/?"}`:                                              {ID: "a/?"},
	} {
		got, ok := parseTask([]byte(s))
		if !ok || got.ID != want.ID || got.UpdatedAt != want.UpdatedAt || got.Deleted != want.Deleted || string(got.Raw) != s {
			t.Errorf("%s: %+v (%t), want %+v", s, got, ok, want)
		}
	}
	if _, ok := parseTask([]byte(`{"id":"` + strings.Repeat("a", maxID+1) + `"}`)); ok {
		t.Error("an id that fits into no URL is usable")
	}
}

func TestDecodeListStops(t *testing.T) {
	n := 0
	whole, err := newSplitter(newBody(strings.NewReader(`[1,2,garbage`))).list(func([]byte) bool {
		n++
		return n < 2
	})
	if n != 2 || whole || err != nil {
		t.Errorf("visited %d, whole %t, error %v", n, whole, err)
	}
}

// endless is JSON that never ends: prefix, then fill again and again.
type endless struct {
	prefix string
	fill   byte
	n      int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.prefix)
	e.prefix = e.prefix[n:]
	for i := n; i < len(p); i++ {
		p[i] = e.fill
	}
	e.n += int64(len(p))
	return len(p), nil
}

func TestBodyIsBoundedInAll(t *testing.T) {
	b := newBody(&endless{fill: 'x'})
	b.total = 100 << 10
	n, err := io.Copy(io.Discard, b)
	if !errors.Is(err, errListTooLarge) || n > 200<<10 {
		t.Errorf("read %d bytes, error %v", n, err)
	}
	if len(b.head) != maxHead {
		t.Errorf("kept %d bytes of the beginning", len(b.head))
	}
}

func FuzzDecodeList(f *testing.F) {
	for _, s := range []string{
		`[]`, `[{"id":"a","status":{"updatedAt":1}},{"id":"b","deleted":true}]`, `[null,1,{}]`, `[{"id":"a"`, `<html>`, `null`, `[[[[`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ids, bad, whole, err := decodeIDs(s)
		if whole != (err == nil) {
			t.Fatalf("whole %t, error %v", whole, err)
		}
		var list []any
		valid := json.Unmarshal([]byte(s), &list) == nil && list != nil
		if valid && !whole {
			t.Fatal("valid, but not read to its end")
		}
		if valid && len(list) != len(ids)+bad {
			t.Fatalf("%d ids and %d bad of %d elements", len(ids), bad, len(list))
		}
		if slices.Contains(ids, "") {
			t.Fatal("an empty id")
		}
	})
}
