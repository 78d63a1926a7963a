// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestOnlyTasksOfOwnSourcesAreLookedAt: a change of a task makes work only while its source is this shard's.
func TestOnlyTasksOfOwnSourcesAreLookedAt(t *testing.T) {
	g := NewWithT(t)
	woken := 0
	r := &SourceReconciler{shard: newShard(), engine: sourcesync.New(sourcesync.Config{
		Clock: clock.RealClock{}, Wake: func(types.NamespacedName) { woken++ },
	})}
	source := kubetest.ASource()
	key := client.ObjectKeyFromObject(source)
	task := taskstore.TaskRef{Namespace: key.Namespace, Source: key.Name, ID: "a"}
	r.externalChange(task)
	g.Expect(woken).To(BeZero(), "another shard's")
	r.shard.meet(source)
	r.externalChange(task)
	g.Expect(woken).To(Equal(1))
	r.shard.leave(key)
	r.externalChange(task)
	g.Expect(woken).To(Equal(1), "another shard's again")

	r.shard = nil // serves all
	r.externalChange(task)
	g.Expect(woken).To(Equal(2))
}

// TestASourceFromAnotherShard: one that was served before, and not by this operator, is taken over; a new one is as any new one, and
// one of the same name is another.
func TestASourceFromAnotherShard(t *testing.T) {
	g := NewWithT(t)
	s, source := newShard(), kubetest.ASource()
	source.UID, source.Status.ObservedGeneration = "first", 0
	key := client.ObjectKeyFromObject(source)
	g.Expect(s.meet(source)).To(BeFalse(), "new")
	source.Status.ObservedGeneration = 1
	g.Expect(s.meet(source)).To(BeFalse(), "its own")
	s.leave(key)
	g.Expect(s.serves(key)).To(BeFalse())
	g.Expect(slices.Collect(s.ids())).To(BeEmpty())
	g.Expect(s.meet(source)).To(BeTrue(), "it was another's meanwhile")
	g.Expect(s.meet(source)).To(BeFalse(), "once")
	source.UID = "second"
	g.Expect(s.meet(source)).To(BeTrue(), "made anew, and served by another one first")
	g.Expect(slices.Collect(s.ids())).To(ConsistOf(taskstore.SourceID{Namespace: key.Namespace, UID: "second"}))

	var all *shard
	g.Expect(all.meet(source)).To(BeFalse())
	g.Expect(all.serves(key)).To(BeTrue())
}
