// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// collated lists the tasks with these ids from a server like the real one that orders them in its own way.
func collatedList(t *testing.T, less func(a, b string) int, ids ...string) (listed []string, offsets int) {
	t.Helper()
	s := livepeertest.NewServer(livepeertest.WithCollation(less))
	for _, id := range ids {
		s.Put(livepeertest.Task{"id": id})
	}
	s.AddKey(testKey, livepeertest.ProjectID)
	p := serve(t, s).NewPass(Query{Limit: 10})
	listed = collect(t, p, 500, nil)
	for _, r := range s.Requests() {
		if strings.Contains(r.Query.Get("cursor"), "skip") {
			offsets++
		}
	}
	slices.Sort(listed)
	return listed, offsets
}

// TestOtherOrders: ids in the order of a language, and ids that the server would take for offsets, are no reason to count rows.
func TestOtherOrders(t *testing.T) {
	// As the C library orders: punctuation before digits, digits before letters, whatever their case.
	language := func(a, b string) int {
		rank := func(s string) string {
			return strings.NewReplacer("-", "\x01", "_", "\x02").Replace(strings.ToLower(s))
		}
		if c := strings.Compare(rank(a), rank(b)); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	}
	var plain, mixed []string
	for i := range 60 {
		plain = append(plain, fmt.Sprintf("t%02d", i))
		mixed = append(mixed, fmt.Sprintf("%c%02d-x", "tT"[i%2], i))
	}
	for name, c := range map[string]struct {
		ids []string
		by  func(a, b string) int
	}{
		"bytes":                    {plain, strings.Compare},
		"a language":               {append(slices.Clone(mixed), "t1-0x", "t10x", "T1_0y", "t2-0x", "t20x"), language},
		"skip at a page's end":     {append(slices.Clone(plain), "t09skip", "t095skip7", "t29-skip-1"), strings.Compare},
		"skip at the very end":     {append(slices.Clone(plain), "u-skip3"), strings.Compare},
		"skip at the only end":     {append(slices.Clone(plain[:5]), "u-skip3"), strings.Compare},
		"skip at the very end, 20": {append(slices.Clone(plain), "u-skip3", "u-skip4", "u-skip5"), strings.Compare},
	} {
		got, offsets := collatedList(t, c.by, c.ids...)
		want := slices.Sorted(slices.Values(c.ids))
		if !slices.Equal(got, want) {
			t.Errorf("%s: listed %d of %d: %v", name, len(got), len(want), got)
		}
		if offsets > 1 { // to check the end
			t.Errorf("%s: %d rows were counted", name, offsets)
		}
	}
	if got, _ := collatedList(t, strings.Compare, "skip1", "skip2"); len(got) != 2 {
		t.Errorf("nothing but skip: %v", got)
	}
}
