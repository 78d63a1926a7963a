// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// crowded is an index of a namespace with many sources of 100 tasks each.
func crowded(sources int) *Index {
	x := NewIndex()
	for n := range sources {
		for m := range 100 {
			x.See(kubetest.ATask(fmt.Sprintf("%d-%d", n, m), fmt.Sprint("source-", n), n*100+m+1))
		}
	}
	return x
}

// BenchmarkEntriesOfManySources: what it takes to look at the tasks of one source depends on these alone.
func BenchmarkEntriesOfManySources(b *testing.B) {
	for _, sources := range []int{1, 1000} {
		b.Run(fmt.Sprint(sources), func(b *testing.B) {
			x := crowded(sources)
			of := stored(kubetest.ATask("0-0", "source-0", 1)).owner.Value().SourceID
			for b.Loop() {
				seen := 0
				for range x.Entries(of) {
					seen++
				}
				if seen != 100 {
					b.Fatal(seen)
				}
			}
		})
	}
}

// TestEntriesAreThoseOfTheSource: whatever came and went before, and whoever owned it.
func TestEntriesAreThoseOfTheSource(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, owners := NewIndex(), map[string]string{}
		for version := range rapid.IntRange(0, 40).Draw(t, "events") {
			name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "name")
			if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
				x.Deleted(keyOf(name), stored(kubetest.ATask(name, "", 1)).uid)
				delete(owners, name)
				continue
			}
			owners[name] = rapid.SampledFrom([]string{"main", "other", ""}).Draw(t, "owner")
			x.Observe(kubetest.ATask(name, owners[name], version+1))
		}
		for _, owner := range []string{"main", "other", "", "none"} {
			want, got := map[string]bool{}, map[string]bool{}
			for name, of := range owners {
				if of == owner {
					want[name] = true
				}
			}
			for entry := range x.Entries(stored(kubetest.ATask("a", owner, 1)).owner.Value().SourceID) {
				if got[entry.Name] {
					t.Fatalf("%q is yielded twice", entry.Name)
				}
				got[entry.Name] = true
			}
			if !maps.Equal(want, got) {
				t.Fatalf("%q has %v, and is said to have %v", owner, want, got)
			}
		}
	})
}
