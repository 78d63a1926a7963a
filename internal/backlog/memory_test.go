// SPDX-License-Identifier: Apache-2.0

package backlog

import (
	"testing"

	. "github.com/onsi/gomega"
)

// TestMemoryIsBounded: the listings of one namespace remember a quarter of what there is room for, and what they forget is there for others.
// Those of a few namespaces leave some to the others, whatever they list.
func TestMemoryIsBounded(t *testing.T) {
	g := NewWithT(t)
	gate := NewMemory()
	take := func(share *Share) (taken int) {
		for share.More() {
			taken++
		}
		return taken
	}
	greedy := shareOf(gate, "greedy", "a")
	g.Expect(take(greedy)).To(Equal(namespaceMemories))
	g.Expect(shareOf(gate, "greedy", "b").More()).To(BeFalse(), "it is its namespace's")
	all := namespaceMemories
	for namespaces := range 10 {
		all += take(shareOf(gate, string(rune('a'+namespaces)), "a"))
	}
	g.Expect(all).To(BeNumerically("<=", memories))
	other := shareOf(gate, "other", "a")
	g.Expect(take(other)).To(Equal(fewMemories))
	greedy.Keep(0)
	g.Expect(take(other)).To(BeNumerically(">", fewMemories))
	g.Expect(all - namespaceMemories + len(other.held)).To(BeNumerically("<=", memories))
}
