// SPDX-License-Identifier: Apache-2.0

package shard_test

import (
	"maps"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/shard"
)

// TestASourceFromAnotherShard: one that was served before, and not by this operator, is taken over; a new one is as any new one, and
// one of the same name is another.
func TestASourceFromAnotherShard(t *testing.T) {
	g := NewWithT(t)
	s, source := shard.NewSources(), types.NamespacedName{Namespace: "media", Name: "main"}
	g.Expect(s.Meet(source, "first", false)).To(BeFalse(), "new")
	g.Expect(s.Meet(source, "first", true)).To(BeFalse(), "its own")
	s.Leave(source)
	g.Expect(s.Serves(source)).To(BeFalse())
	g.Expect(maps.Collect(s.All())).To(BeEmpty())
	g.Expect(s.Meet(source, "first", true)).To(BeTrue(), "it was another's meanwhile")
	g.Expect(s.Meet(source, "first", true)).To(BeFalse(), "once")
	g.Expect(s.Meet(source, "second", true)).To(BeTrue(), "made anew, and served by another one first")
	g.Expect(maps.Collect(s.All())).To(Equal(map[types.NamespacedName]types.UID{source: "second"}))

	var all *shard.Sources
	g.Expect(all.Meet(source, "first", true)).To(BeFalse())
	g.Expect(all.Serves(source)).To(BeTrue())
}
