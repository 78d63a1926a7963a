// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestASourceMovesBetweenShards: while tasks change, a source is moved to and fro. No object is deleted, made anew or made twice, each
// change arrives, also those that come in the middle of a move, only one of both operators polls after a moment, and the source
// is Ready all the time, but for a poll that came late: with an interval of a second, a busy machine can't keep it.
func TestASourceMovesBetweenShards(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	s.studio.Populate(150, 1)
	sink := newEventSink(t)
	s.start("a")
	s.start("b")
	s.sharded("main", "a", sink.spec)
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
	s.eventuallyEqual()
	uids := s.uids()
	unready, deleted := s.watchHealth("main"), s.watchDeletions()
	lives := &liveTasks{w: s.world, want: map[string][]string{}}
	one := lives.begin("pending")

	waiting := s.aTask("waiting")
	for round := range 4 {
		to, from := "b", "a"
		if round%2 == 1 {
			to, from = from, to
		}
		stop := s.keepChanging(waiting)
		s.move("main", to)
		phase := []string{"waiting", "running"}[round%2]
		changed := time.Now()
		lives.enter(one, phase) // in the middle of the move
		t.Logf("move %d: a change arrived after %s", round, time.Since(changed).Round(time.Millisecond))
		s.served(to, from)
		stop()
		s.eventuallyEqual()
	}
	lives.enter(one, "completed")
	s.eventuallyEqual()
	now := s.uids()
	for id, uid := range uids {
		s.Expect(now).To(HaveKeyWithValue(id, uid), "made anew")
	}
	s.Expect(now).To(HaveLen(s.studio.Len()))
	s.Expect(deleted()).To(BeEmpty())
	s.Expect(unready()).To(BeEmpty())

	s.Eventually(func() []string { return sink.phases()[one] }, soon, tick).Should(Equal(lives.want[one]))
	s.notified()
	s.delivering("main", v1alpha1.ReasonDelivered)
	t.Logf("%d CloudEvents were sent, %d of them once more", sink.attempts(), sink.attempts()-sink.distinct())
}

// TestEventsOfAMovedSource: in the middle of many CloudEvents, the source moves. All arrive, and the old shard does not go on until its
// step is over: each event that both send at once is one that comes twice.
func TestEventsOfAMovedSource(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	sink := newEventSink(t)
	s.start("a")
	s.start("b")
	s.sharded("main", "a", sink.spec)
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
	const tasks, heard = 200, 3 * time.Second // of the 5 s that a step may take
	var begun, late atomic.Int64              // when the other shard began to send
	stored := make(chan struct{})
	sink.act(func(_ http.ResponseWriter, r *http.Request, _ int, _ *sdk.Event) (answered, taken bool) {
		switch at := begun.Load(); {
		case r.UserAgent() == "b":
			begun.CompareAndSwap(0, time.Now().UnixMilli())
		case at != 0 && time.Since(time.UnixMilli(at)) > heard:
			late.Add(1)
		}
		select {
		case <-stored:
		case <-r.Context().Done():
		}
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
		return false, true
	})
	now := time.Now().UnixMilli()
	for n := range tasks {
		s.studio.Put(livepeertest.Task{"id": fmt.Sprintf("11fe%04d-0000-4000-8000-000000000000", n), "type": "upload", "createdAt": now,
			"status": map[string]any{"phase": "completed", "updatedAt": now}})
	}
	s.Eventually(s.tasks, soon, tick).Should(HaveLen(tasks))
	close(stored)
	s.Eventually(sink.attempts, soon, tick).Should(BeNumerically(">=", 30)) // a step that has all of them to send has begun
	s.move("main", "b")
	s.Eventually(sink.distinct, soon, tick).Should(Equal(tasks))
	s.notified()
	s.Expect(late.Load()).To(BeZero(), "the old shard goes on")
	t.Logf("%d were sent twice", sink.attempts()-tasks)
}

// TestAnotherShardsTasksAreLeftAlone: an operator neither reads nor writes the tasks of a source that another one serves, or nobody,
// whatever becomes of them. Once the source is its own, all is put right at once, long before the next full sync is due.
func TestAnotherShardsTasksAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	s.studio.Populate(60, 1)
	stopA := s.start("a")
	s.start("b")
	s.sharded("main", "a")
	empty := httptest.NewServer(livepeertest.NewServer())
	t.Cleanup(empty.Close)
	s.sharded("other", "b", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = empty.URL + "/api" })
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
	s.eventuallyReady("other", v1alpha1.ReasonSynced)
	s.eventuallyEqual()
	s.requested("b")
	for _, id := range s.studio.IDs()[:20] {
		s.studio.Update(id, completed)
	}
	s.eventuallyEqual()
	s.Expect(s.requested("b")).To(BeEmpty(), "it reads what the other operator writes")

	stopA()
	ids := s.studio.IDs()
	s.changeStatus(ids[0], func(status *v1alpha1.LivepeerTaskStatus) { status.Phase = "forged" })
	s.change(ids[1], func(task *v1alpha1.LivepeerTask) { task.Spec.OutputAssetID = "forged" })
	s.Expect(s.client.Delete(s.ctx, s.task(ids[2]))).To(Succeed())
	s.studio.Delete(ids[3])
	before := s.versions()
	s.resync("other", "a full sync of its own source")
	s.Expect(s.requested("b")).To(BeEmpty())
	s.Expect(s.versions()).To(Equal(before))

	s.move("main", "b")
	s.eventuallyEqual()
	s.Eventually(func() string { return s.task(ids[1]).Spec.OutputAssetID }, soon, tick).ShouldNot(Equal("forged"))
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
}
