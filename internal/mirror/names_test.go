// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	for id, want := range map[string]string{
		"09F8B46C-61A0-4254-9875-F71F4C605BC7": "09f8b46c-61a0-4254-9875-f71f4c605bc7",
		"a.B":                                  "a.b",
		"My Task_1!":                           "my-task-1-HASH",
		"a..b":                                 "a--b-HASH",
		"---":                                  "task-HASH",
		"日本":                                   "task-HASH",
		"\u212A":                               "task-HASH", // lower-cased by Unicode it would be k
	} {
		hash := fmt.Sprintf("%x", sha256.Sum256([]byte(id)))
		if got := Names(id)[0]; got != strings.Replace(want, "HASH", hash[:10], 1) {
			t.Errorf("Names(%q)[0] = %q, want %q", id, got, want)
		}
	}
	if got := len(Names("a")); got != 3 {
		t.Errorf("%d names", got)
	}
	long := Names(strings.Repeat("a", 253))
	if len(long) != 3 || len(long[0]) != 253 || len(long[2]) != 253 {
		t.Errorf("names of a long ID: %q", long)
	}
	if upper, lower := Names("ABC"), Names("abc"); upper[0] != lower[0] || upper[1] == lower[1] {
		t.Errorf("%q, %q", upper, lower)
	}
}

// checkNames asserts what holds for every pair of IDs.
func checkNames(t interface{ Fatalf(string, ...any) }, a, b string) {
	names := Names(a)
	if !slices.Equal(names, Names(a)) || len(names) < 2 {
		t.Fatalf("Names(%q) = %q", a, names)
	}
	for _, name := range names {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			t.Fatalf("Names(%q) has %q: %v", a, name, problems)
		}
	}
	others := Names(b)
	if a != b && (slices.Contains(others, names[len(names)-1]) || slices.Contains(others, names[len(names)-2])) {
		t.Fatalf("%q and %q share one of %q and %q", a, b, names, others)
	}
	for _, s := range []string{a, b} {
		value := LabelValue(s)
		valid := len(content.IsLabelValue(s)) == 0
		if len(content.IsLabelValue(value)) > 0 || valid && value != s || (value == "") != (s == "") {
			t.Fatalf("LabelValue(%q) = %q", s, value)
		}
	}
}

func TestNamesAlwaysValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z0-9._-]{1,300}`))
		checkNames(t, text.Draw(t, "a"), text.Draw(t, "b"))
	})
}

func TestLabelValue(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "upload": "upload", "export-data": "export-data", "a b/c": "a-b-c", "-x-": "x", "日本": "unknown",
		strings.Repeat("a", 64): strings.Repeat("a", 63),
	} {
		if got := LabelValue(in); got != want {
			t.Errorf("LabelValue(%q) = %q, want %q", in, got, want)
		}
	}
}
