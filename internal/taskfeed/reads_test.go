// SPDX-License-Identifier: Apache-2.0

package taskfeed

import (
	"context"
	"fmt"
	"slices"
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

// stored is an API server that answers when it is told to, and notes what it was asked for.
type stored struct {
	client.WithWatch
	answer func(types.NamespacedName) *v1alpha1.LivepeerTask
	turns  chan struct{}

	mu    sync.Mutex
	asked []types.NamespacedName
}

func (s *stored) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	<-s.turns
	s.mu.Lock()
	s.asked = append(s.asked, key)
	s.mu.Unlock()
	s.answer(key).DeepCopyInto(obj.(*v1alpha1.LivepeerTask)) //nolint:forcetypeassert // Nothing else is asked for.
	return nil
}

func (s *stored) has(key types.NamespacedName) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Index(s.asked, key)
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

// TestATenantsEditsHoldUpNobodys: one has 10,000 tasks of its own edited. Another one's single task is read next.
func TestATenantsEditsHoldUpNobodys(t *testing.T) {
	g := NewWithT(t)
	api := &stored{answer: aTask, turns: make(chan struct{}, 20_000)}
	index := reading(t, api)
	for n := range 10_000 {
		index.Notice(types.NamespacedName{Namespace: "many", Name: fmt.Sprint(n)}, "10")
	}
	one := types.NamespacedName{Namespace: "media", Name: "one"}
	index.Notice(one, "10")
	for range 10_000 {
		api.turns <- struct{}{}
	}
	g.Eventually(func() int { return api.has(one) }, time.Minute, time.Millisecond).Should(BeNumerically(">=", 0))
	g.Expect(api.has(one)).To(BeNumerically("<=", 2*readers))
	g.Eventually(func() int { return int(index.Counts(taskstore.SourceID{Namespace: "media", UID: "uid-of-main"}).Total) }, time.Minute).Should(Equal(1))
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
