// SPDX-License-Identifier: Apache-2.0

package backlog

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
)

func shareOf(gate *fair.Gate, namespace, name string) *Share {
	return NewShare(gate, types.NamespacedName{Namespace: namespace, Name: name})
}

// TestRoomIsBounded: one namespace has a quarter of it, and what is given back is there for others.
func TestRoomIsBounded(t *testing.T) {
	g := NewWithT(t)
	gate := NewGate()
	greedy := shareOf(gate, "greedy", "a")
	g.Expect(greedy.Fit(namespaceSlots * slot)).To(BeTrue())
	g.Expect(greedy.Fit(namespaceSlots*slot + 1)).To(BeFalse())
	g.Expect(shareOf(gate, "greedy", "b").Fit(1)).To(BeFalse(), "it is its namespace's")
	others := make([]*Share, slots/namespaceSlots) // which are greedy as well
	for n := range others {
		others[n] = shareOf(gate, fmt.Sprintf("n%d", n), "a")
		for size := slot; others[n].Fit(size); size += slot {
		}
	}
	last := shareOf(gate, "last", "a")
	g.Expect(last.Fit(fewSlots*slot)).To(BeTrue(), "the greedy ones leave it some")
	g.Expect(last.Wanted()).To(BeTrue())
	g.Expect(last.Fit(fewSlots*slot + 1)).To(BeFalse())
	greedy.Shrink(0)
	for range slots {
		g.Expect(last.Wanted()).To(BeFalse(), "and to ask takes none")
	}
	g.Expect(last.Fit(2 * fewSlots * slot)).To(BeTrue())
	held := 0
	for _, share := range append(others, last) {
		held += len(share.held)
	}
	g.Expect(held).To(BeNumerically("<=", slots))
}

// TestSilenceTakesNoRoom: an API that sends nothing for 2 s keeps what its tasks take, and after 10 s nothing. One that sends keeps it.
func TestSilenceTakesNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		gate := fair.NewGate(3, 3)
		share, other := shareOf(gate, "a", "a"), shareOf(gate, "b", "b")
		g.Expect(share.Fit(3 * slot)).To(BeTrue())
		listener := share.Listen(clock.RealClock{}, 2*slot)
		<-time.After(silence + time.Millisecond)
		g.Expect(other.Fit(slot)).To(BeTrue())
		g.Expect(other.Fit(slot+1)).To(BeFalse(), "what its tasks take")
		other.Shrink(0)
		g.Expect(share.Fit(3 * slot)).To(BeTrue())
		listener.Heard()
		listener.On(slot)
		<-time.After(silence - time.Millisecond)
		listener.Heard()
		listener.On(slot)
		<-time.After(silence - time.Millisecond)
		g.Expect(other.Fit(1)).To(BeFalse())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g.Expect(other.Enter(ctx)).To(BeTrue())
		g.Expect(other.Fit(2 * slot)).To(BeTrue())
		g.Expect(other.Fit(3 * slot)).To(BeFalse())
		<-time.After(longSilence)
		g.Expect(other.Fit(3 * slot)).To(BeTrue())
		listener.Heard()
	})
}

// TestRoomStaysWhileWhatWasHeardIsWorkedOn: an API that has just sent something is not silent, however long that takes to be worked on.
// What it has sent by then is what it keeps when it falls silent again.
func TestRoomStaysWhileWhatWasHeardIsWorkedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		gate := fair.NewGate(3, 3)
		share, other := shareOf(gate, "a", "a"), shareOf(gate, "b", "b")
		g.Expect(share.Fit(3 * slot)).To(BeTrue())
		listener := share.Listen(clock.RealClock{}, 0)
		listener.Heard()
		<-time.After(2 * longSilence)
		g.Expect(other.Fit(1)).To(BeFalse(), "it is worked on")
		listener.On(2 * slot)
		<-time.After(silence + time.Millisecond)
		g.Expect(other.Fit(slot)).To(BeTrue())
		g.Expect(other.Fit(slot+1)).To(BeFalse(), "what it has sent")
		listener.Heard()
	})
}

// TestNoRoomInTime: who does not get any has none.
func TestNoRoomInTime(t *testing.T) {
	g := NewWithT(t)
	gate := fair.NewGate(1, 1)
	share, other := shareOf(gate, "a", "a"), shareOf(gate, "b", "b")
	g.Expect(share.Fit(slot)).To(BeTrue())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.Expect(other.Enter(ctx)).To(BeFalse())
	other.Shrink(0)
	share.Shrink(0)
	g.Expect(other.Enter(t.Context())).To(BeTrue())
}

// TestATurnEndsWhereOthersWait: after 2 s, or soon after somebody begins to. Otherwise it lasts as long as the task takes, and who has ended it is
// left alone.
func TestATurnEndsWhereOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		large, of := NewLarge(), types.NamespacedName{Namespace: "a", Name: "a"}
		var ended atomic.Int32
		enter := func() func() {
			release, err := large.Enter(t.Context(), of, func() { ended.Add(1) })
			g.Expect(err).NotTo(HaveOccurred())
			return release
		}
		enter()()
		turns := []func(){enter(), enter(), enter(), enter()}
		<-time.After(10 * largeTurn)
		g.Expect(ended.Load()).To(BeZero(), "nobody waits")
		turns[0]()
		turns[0] = enter()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = large.Enter(ctx, of, func() {}) }()
		<-time.After(largeTurn / 2)
		synctest.Wait()
		g.Expect(ended.Load()).To(BeEquivalentTo(3), "those that have lasted for long")
		<-time.After(largeTurn)
		synctest.Wait()
		g.Expect(ended.Load()).To(BeEquivalentTo(4))
		cancel()
		for _, release := range turns {
			release()
		}
		synctest.Wait()
	})
}

// TestOneNamespaceEndsNoTurnOfAnother: who waits since its own namespace has its share gains nothing by another's turn.
func TestOneNamespaceEndsNoTurnOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		large := NewLarge()
		var greedy, other atomic.Int32
		enter := func(namespace string, ended *atomic.Int32) {
			release, err := large.Enter(t.Context(), types.NamespacedName{Namespace: namespace, Name: "a"}, func() { ended.Add(1) })
			g.Expect(err).NotTo(HaveOccurred())
			t.Cleanup(release)
		}
		enter("other", &other)
		for range namespaceLargeTasks {
			enter("greedy", &greedy)
		}
		for range 10 { // one waits at any time
			_, err := large.Enter(t.Context(), types.NamespacedName{Namespace: "greedy", Name: "b"}, func() {})
			g.Expect(err).To(MatchError(context.DeadlineExceeded))
		}
		synctest.Wait()
		g.Expect(greedy.Load()).To(BeEquivalentTo(namespaceLargeTasks))
		g.Expect(other.Load()).To(BeZero())

		for n := range largeTasks - namespaceLargeTasks - 1 { // all that is left
			release, ok := large.gate.TryAcquire(types.NamespacedName{Namespace: fmt.Sprint(n), Name: "a"})
			g.Expect(ok).To(BeTrue())
			t.Cleanup(release)
		}
		_, err := large.Enter(t.Context(), types.NamespacedName{Namespace: "f", Name: "a"}, func() {})
		g.Expect(err).To(MatchError(context.DeadlineExceeded))
		g.Expect(other.Load()).To(BeEquivalentTo(1), "there is no room for anybody")
	})
}

// TestLargeTasksAreBounded: one namespace reads four at once, all together sixteen, and who has to wait does so for 5 s.
func TestLargeTasksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		large := NewLarge()
		enter := func(namespace string) (func(), error) {
			return large.Enter(t.Context(), types.NamespacedName{Namespace: namespace, Name: "a"}, func() {})
		}
		var last func()
		for _, namespace := range []string{"a", "b", "c", "d"} {
			for range 4 {
				release, err := enter(namespace)
				g.Expect(err).NotTo(HaveOccurred())
				last = release
			}
			began := time.Now()
			_, err := enter(namespace)
			g.Expect(err).To(MatchError(context.DeadlineExceeded), "it has its share")
			g.Expect(time.Since(began)).To(Equal(5*time.Second), "by the clock of the bubble")
		}
		_, err := enter("e")
		g.Expect(err).To(MatchError(context.DeadlineExceeded), "there is no more")
		last()
		_, err = enter("e")
		g.Expect(err).NotTo(HaveOccurred())
	})
}
