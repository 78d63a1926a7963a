// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/util/workqueue"

	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

// table is a table of hints with a queue, which the test itself works on.
type table struct {
	Gomega
	*hints
	work workqueue.TypedRateLimitingInterface[taskRequest]
}

func newTable(t *testing.T) *table {
	t.Helper()
	x := &table{
		Gomega: NewWithT(t), hints: newHints(),
		work: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[taskRequest]()),
	}
	t.Cleanup(x.work.ShutDown)
	x.start(x.work)
	return x
}

func (x *table) push(id string, updated int64) bool {
	tooMuch, err := x.offer(&webhook.Hint{Source: webhook.Source{Namespace: "a", Name: "main"}, TaskID: id, UpdatedAt: updated, Received: time.Now()})
	x.Expect(err).NotTo(HaveOccurred())
	return tooMuch
}

// next takes the next request, as a worker does.
func (x *table) next() taskRequest {
	request, _ := x.work.Get()
	x.work.Done(request)
	return request
}

func TestHintsOfOneTaskAreOne(t *testing.T) {
	x := newTable(t)
	for _, updated := range []int64{5, 7, 6, 0} {
		x.Expect(x.push("t", updated)).To(BeFalse())
	}
	x.Expect(x.work.Len()).To(Equal(1))
	request := x.next()
	x.Expect(request).To(Equal(taskRequest{Namespace: "a", Source: "main", ID: "t", Pushed: true}))
	taken, ok := x.take(request)
	x.Expect(ok).To(BeTrue())
	x.Expect(taken.wanted).To(Equal(int64(7)))
	x.Expect(x.done(request, taken, false)).To(BeZero())
	x.Expect(x.sources).To(BeEmpty())
	x.Expect(x.total).To(BeZero())
	_, ok = x.take(request)
	x.Expect(ok).To(BeFalse())
}

// What is pushed while Studio is being asked is asked for again.
func TestAHintDuringTheQuestionIsKept(t *testing.T) {
	x := newTable(t)
	x.push("t", 5)
	request, _ := x.work.Get()
	taken, _ := x.take(request)
	x.push("t", 9)
	x.Expect(x.done(request, taken, false)).To(BeZero())
	x.work.Done(request)
	again, ok := x.take(x.next())
	x.Expect(ok).To(BeTrue())
	x.Expect(again.wanted).To(Equal(int64(9)))
}

func TestAReplicaIsAskedAFewTimes(t *testing.T) {
	x := newTable(t)
	x.push("t", 5)
	request := x.next()
	for _, pause := range append(hintDelays(), 0) {
		taken, ok := x.take(request)
		x.Expect(ok).To(BeTrue())
		x.Expect(x.done(request, taken, true)).To(Equal(pause))
	}
	x.Expect(x.total).To(BeZero())
}

// One source neither takes all workers nor all memory.
func TestHintsAreBounded(t *testing.T) {
	x := newTable(t)
	for n := range maxSourceHints {
		x.Expect(x.push(fmt.Sprint(n), 0)).To(BeFalse())
	}
	var working []taskRequest
	for range sourceHintWorkers {
		request := x.next()
		_, ok := x.take(request)
		x.Expect(ok).To(BeTrue())
		working = append(working, request)
	}
	waiting := x.next()
	_, ok := x.take(waiting)
	x.Expect(ok).To(BeFalse(), "enough workers")
	queued := x.work.Len()
	x.done(working[0], hint{}, false)
	x.Expect(x.work.Len()).To(Equal(queued+1), "the one that waited is next")

	x.Expect(x.push("in the place of the one that is done", 0)).To(BeFalse())
	x.Expect(x.push("one more", 0)).To(BeTrue())
	x.Expect(x.total).To(BeZero(), "a poll covers them")
	for _, request := range working[1:] {
		x.done(request, hint{}, false)
	}
	x.Expect(x.sources).To(BeEmpty())
	for n := range maxHints {
		_, err := x.offer(&webhook.Hint{Source: webhook.Source{Name: fmt.Sprint(n % 100)}, TaskID: fmt.Sprint(n)})
		x.Expect(err).NotTo(HaveOccurred())
	}
	_, err := x.offer(&webhook.Hint{Source: webhook.Source{Name: "another"}, TaskID: "t"})
	x.Expect(err).To(MatchError(errTooManyHints))
}

func TestHintsEndWithTheLead(t *testing.T) {
	x := newTable(t)
	x.Expect(x.started()).To(BeTrue())
	x.work.ShutDown()
	x.Expect(x.started()).To(BeFalse())
	_, err := x.offer(&webhook.Hint{TaskID: "t"})
	x.Expect(err).To(MatchError(errNotLeading))
	_, err = newHints().offer(&webhook.Hint{TaskID: "t"})
	x.Expect(err).To(MatchError(errNotLeading))
}

// However workers and deliveries interleave, the table is empty in the end.
func TestHintsUnderConcurrency(t *testing.T) {
	x := newTable(t)
	var pushers, workers sync.WaitGroup
	for range 4 {
		pushers.Go(func() {
			for n := range 500 {
				x.push(fmt.Sprint(n%50), int64(n))
			}
		})
		workers.Go(func() {
			for {
				request, end := x.work.Get()
				if end {
					return
				}
				if taken, ok := x.take(request); ok {
					x.done(request, taken, false)
				}
				x.work.Done(request)
			}
		})
	}
	pushers.Wait()
	x.Eventually(func() int {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.total + len(x.sources)
	}, time.Minute).Should(BeZero())
	x.work.ShutDown()
	workers.Wait()
}
