// SPDX-License-Identifier: Apache-2.0

package taskfeed

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// soon is for a machine that is busy with other things.
const soon = 4 * time.Minute

// stored is an API server that answers when it is told to.
type stored struct {
	client.WithWatch
	answer func(types.NamespacedName) *v1alpha1.LivepeerTask
	err    error
	turns  chan struct{}
}

func (s *stored) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	<-s.turns
	s.answer(key).DeepCopyInto(obj.(*v1alpha1.LivepeerTask)) //nolint:forcetypeassert // Nothing else is asked for.
	return s.err
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
	g.Eventually(total, soon).Should(Equal(1))

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

// TestWhatIsKnownOfANamespace: a list of one says nothing of another's tasks. All that may be read is known once each was listed that may be,
// and nothing where none may.
func TestWhatIsKnownOfANamespace(t *testing.T) {
	g := NewWithT(t)
	index := taskstore.NewIndex()
	one, other, refused := &feed{namespace: "media", index: index}, &feed{namespace: "other", index: index}, &feed{namespace: "c", refused: true}
	entry := mirror.EntryOf(aTask(types.NamespacedName{Namespace: "media", Name: "one"}))
	g.Expect(one.Replace([]any{&listedTask{task: taskstore.StoredOf(&entry)}}, "20")).To(Succeed())
	feeds := Feeds{one, other, refused}
	g.Expect([]bool{feeds.Known("media"), feeds.Known("other"), feeds.Known("c"), feeds.Synced()}).To(Equal([]bool{true, false, false, false}))
	g.Expect(other.Replace(nil, "30")).To(Succeed())
	g.Expect(index.Counts(taskstore.SourceID{Namespace: "media", UID: "uid-of-main"}).Total).To(BeEquivalentTo(1))
	g.Expect([]bool{feeds.Known("other"), feeds.Known("c"), feeds.Synced()}).To(Equal([]bool{true, false, true}))
	g.Expect(feeds.Ready(nil)).To(Succeed())
	g.Expect(Feeds{refused}.Synced()).To(BeFalse())
}

// TestWhatCantBeReadIsReadLater, and what is gone is not.
func TestWhatCantBeReadIsReadLater(t *testing.T) {
	for err, requeues := range map[error]int{
		nil: 0, apierrors.NewNotFound(schema.GroupResource{}, "one"): 0, apierrors.NewServiceUnavailable("out"): 1,
	} {
		g := NewWithT(t)
		api := &stored{turns: make(chan struct{}, 1), answer: aTask, err: err}
		f := &feed{index: taskstore.NewIndex(), client: api, reads: newReads(), log: logr.Discard()}
		key := types.NamespacedName{Namespace: "media", Name: "one"}
		f.reads.Add(key)
		api.turns <- struct{}{}
		g.Expect(f.read(t.Context())).To(BeTrue())
		g.Expect(f.reads.NumRequeues(key)).To(Equal(requeues), "%v", err)
		f.reads.ShutDown()
	}
}

// awayAPI is an API server that is away at first.
type awayAPI struct {
	client.WithWatch
	away atomic.Bool
}

func (a *awayAPI) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if a.away.Load() {
		return apierrors.NewServiceUnavailable("out")
	}
	aTask(key).DeepCopyInto(obj.(*v1alpha1.LivepeerTask)) //nolint:forcetypeassert // Nothing else is asked for.
	return nil
}

// TestReadSoonAfterTheAPIServerIsBack: an edit of just before an outage is known soon after it, however long it lasted.
func TestReadSoonAfterTheAPIServerIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		api := &awayAPI{}
		api.away.Store(true)
		f := &feed{index: taskstore.NewIndex(), client: api, reads: newReads(), log: logr.Discard()}
		f.index.NotifyUnread(f.reads.Add)
		var group sync.WaitGroup
		f.readAll(t.Context(), &group)
		defer group.Wait()
		defer f.reads.ShutDown()
		f.index.Notice(types.NamespacedName{Namespace: "media", Name: "one"}, "10")
		<-time.After(time.Hour)
		api.away.Store(false)
		<-time.After(time.Minute)
		synctest.Wait()
		g.Expect(f.index.Counts(taskstore.SourceID{Namespace: "media", UID: "uid-of-main"}).Total).To(BeEquivalentTo(1))
	})
}
