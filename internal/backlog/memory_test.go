// SPDX-License-Identifier: Apache-2.0

package backlog

import (
	"testing"

	. "github.com/onsi/gomega"
)

// TestMemoryIsBounded: the listings of one namespace remember a quarter of what there is room for, and what they forget is there for others.
func TestMemoryIsBounded(t *testing.T) {
	g := NewWithT(t)
	gate := NewMemory()
	greedy, other := shareOf(gate, "greedy", "a"), shareOf(gate, "other", "a")
	for range namespaceMemories {
		g.Expect(greedy.More()).To(BeTrue())
	}
	g.Expect(greedy.More()).To(BeFalse())
	g.Expect(shareOf(gate, "greedy", "b").More()).To(BeFalse(), "it is its namespace's")
	for namespaces := 1; namespaces < memories/namespaceMemories; namespaces++ {
		next := shareOf(gate, string(rune('a'+namespaces)), "a")
		for range namespaceMemories {
			g.Expect(next.More()).To(BeTrue())
		}
	}
	g.Expect(other.More()).To(BeFalse())
	greedy.Keep(namespaceMemories - 1)
	g.Expect(other.More()).To(BeTrue())
	g.Expect(other.More()).To(BeFalse())
	greedy.Keep(0)
	for range namespaceMemories - 1 {
		g.Expect(other.More()).To(BeTrue())
	}
	g.Expect(other.More()).To(BeFalse())
}
