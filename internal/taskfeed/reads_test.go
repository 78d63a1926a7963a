// SPDX-License-Identifier: Apache-2.0

package taskfeed

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// stored is an API server that answers when it is told to.
type stored struct {
	client.WithWatch
	answer func(types.NamespacedName) *v1alpha1.LivepeerTask
	turns  chan struct{}
}

func (s *stored) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	<-s.turns
	s.answer(key).DeepCopyInto(obj.(*v1alpha1.LivepeerTask)) //nolint:forcetypeassert // Nothing else is asked for.
	return nil
}

func aTask(key types.NamespacedName) *v1alpha1.LivepeerTask {
	return kubetest.ATask(key.Name, "main", 10, func(task *v1alpha1.LivepeerTask) { task.Namespace = key.Namespace })
}

// reading has tasks read that somebody has written, until the test ends.
func reading(t *testing.T, api *stored) *taskstore.Index {
	t.Helper()
	f := &feed{index: taskstore.NewIndex(), client: api, reads: newReads(), log: logr.Discard()}
	f.index.NotifyUnread(f.reads.Add)
	var group sync.WaitGroup
	f.readAll(t.Context(), &group)
	t.Cleanup(func() {
		f.reads.ShutDown()
		close(api.turns)
		group.Wait()
	})
	return f.index
}

// TestATenantsEditsHoldUpNobodys: one has 10,000 tasks of its own edited. Another one's single task is taken next to be read.
func TestATenantsEditsHoldUpNobodys(t *testing.T) {
	g := NewWithT(t)
	reads := newReads()
	defer reads.ShutDown()
	for n := range 10_000 {
		reads.Add(types.NamespacedName{Namespace: "many", Name: fmt.Sprint(n)})
	}
	one := types.NamespacedName{Namespace: "media", Name: "one"}
	reads.Add(one)
	var first []types.NamespacedName
	for range 2 {
		key, _ := reads.Get()
		first = append(first, key)
	}
	g.Expect(first).To(ConsistOf(types.NamespacedName{Namespace: "many", Name: "0"}, one))
}

// TestAFaultWithOneTaskKeepsNoOtherUnread: whether it is read by itself, in a list, or shown by a watch.
func TestAFaultWithOneTaskKeepsNoOtherUnread(t *testing.T) {
	g := NewWithT(t)
	api := &stored{turns: make(chan struct{}, 100), answer: func(key types.NamespacedName) *v1alpha1.LivepeerTask {
		if key.Name == "odd" {
			return nil // which is copied
		}
		return aTask(key)
	}}
	index := reading(t, api)
	total := func() int { return int(index.Counts(taskstore.SourceID{Namespace: "media", UID: "uid-of-main"}).Total) }
	for range 2 * readers {
		index.Notice(types.NamespacedName{Namespace: "media", Name: "odd"}, "10")
		index.Notice(types.NamespacedName{Namespace: "media", Name: "one"}, "10")
		api.turns <- struct{}{}
	}
	g.Eventually(total, time.Minute).Should(Equal(1))

	f := &feed{index: index, log: logr.Discard()}
	var none *v1alpha1.LivepeerTask
	g.Expect(f.Add(none)).To(Succeed())
	g.Expect(f.Update(none)).To(Succeed())
	g.Expect(f.Update(aTask(types.NamespacedName{Namespace: "media", Name: "two"}))).To(Succeed())
	g.Expect(total()).To(Equal(2))

	task, err := f.listed(nil, func([]byte) (mirror.Entry, error) { panic("odd") })
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(task).To(BeNil())
	_, err = f.listed([]byte("{"), mirror.ReadEntry)
	g.Expect(err).To(HaveOccurred(), "a list that is none is no list with fewer tasks")
}
