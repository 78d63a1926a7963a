// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/shard"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestOnlyTasksOfOwnSourcesAreLookedAt: a change of a task makes work only while its source is this shard's.
func TestOnlyTasksOfOwnSourcesAreLookedAt(t *testing.T) {
	g := NewWithT(t)
	woken := 0
	r := &SourceReconciler{shard: shard.NewSources(), engine: sourcesync.New(sourcesync.Config{
		Clock: clock.RealClock{}, Wake: func(types.NamespacedName) { woken++ },
	})}
	source := kubetest.ASource()
	key := client.ObjectKeyFromObject(source)
	task := taskstore.TaskRef{Namespace: key.Namespace, Source: key.Name, ID: "a"}
	r.externalChange(task)
	g.Expect(woken).To(BeZero(), "another shard's")
	r.meet(source)
	r.externalChange(task)
	g.Expect(woken).To(Equal(1))
	r.shard.Leave(key)
	r.externalChange(task)
	g.Expect(woken).To(Equal(1), "another shard's again")

	r.shard = nil // serves all
	r.externalChange(task)
	g.Expect(woken).To(Equal(2))
	for _, nobodys := range []taskstore.TaskRef{{Namespace: key.Namespace, ID: "a"}, {Namespace: key.Namespace, Source: key.Name}} {
		r.externalChange(nobodys)
	}
	g.Expect(woken).To(Equal(2), "what is not mirrored")
}

// TestASourceWithoutAStatusIsNew: nobody has served it, also where the CRD's default says that its status is of no generation.
func TestASourceWithoutAStatusIsNew(t *testing.T) {
	g := NewWithT(t)
	for generation, served := range map[int64]bool{-1: false, 0: false, 1: true} {
		r := &SourceReconciler{shard: shard.NewSources()}
		source := kubetest.ASource()
		source.Status.ObservedGeneration = generation
		g.Expect(r.meet(source)).To(Equal(served), "%d", generation)
	}
}
