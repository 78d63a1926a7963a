// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// steps are those of a source whose sink answers with a status.
type steps struct {
	Gomega
	*Reconciler

	t        *testing.T
	api      *kubetest.API
	status   atomic.Int32
	attempts atomic.Int32
	told     atomic.Int32 // how often the source's status was to be written
}

// newSteps returns the steps of a source with so many tasks that have something to be sent.
func newSteps(t *testing.T, waiting int) *steps {
	t.Helper()
	s := &steps{Gomega: NewWithT(t), t: t, api: kubetest.NewAPI("")}
	s.status.Store(http.StatusAccepted)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.attempts.Add(1)
		w.WriteHeader(int(s.status.Load()))
	}))
	t.Cleanup(server.Close)
	server.Config.SetKeepAlivesEnabled(false) // in a bubble, no time passes while a connection is open
	s.api.Source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: server.URL}}
	index := taskstore.NewIndex()
	for n := range waiting {
		task := kubetest.ATask(fmt.Sprintf("task-%02d", n), "main", 10+n, func(task *v1alpha1.LivepeerTask) {
			task.Status.Notifications = []v1alpha1.Transition{{Phase: v1alpha1.PhaseRunning}}
		})
		s.api.Tasks[task.Name] = task
		index.See(task)
	}
	measured, err := NewMetrics(prometheus.NewRegistry(), index.WaitingTasks)
	s.Expect(err).NotTo(HaveOccurred())
	s.Reconciler = New(Config{
		Client: &listingAPI{s.api}, Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: s.api}, s.api, index),
		Sinks: NewSinks(credentials.NewWatcher(s.api, nil), "test", studio.Hosts{}, studio.NewPool()), Metrics: measured, Now: time.Now,
		Changed: func(types.NamespacedName) { s.told.Add(1) }, Indexed: func() bool { return true },
	})
	return s
}

// step makes one, and returns after how long the next is to be.
func (s *steps) step() time.Duration {
	s.t.Helper()
	after, err := s.Reconciler.step(s.t.Context(), client.ObjectKeyFromObject(s.api.Source))
	s.Expect(err).NotTo(HaveOccurred())
	return after
}

// free fails unless all that the source's namespace may have is free.
func (s *steps) free() {
	s.t.Helper()
	for gate, share := range map[*fair.Gate]int{s.steps: namespaceSteps, s.doubtful: namespaceDoubtful, s.tasks: namespaceTasksRead} {
		var held []func()
		for range share {
			release, ok := gate.TryAcquire(types.NamespacedName{Namespace: "media", Name: "other"})
			s.Expect(ok).To(BeTrue())
			held = append(held, release)
		}
		for _, release := range held {
			release()
		}
	}
}

// TestStepsGoOnForEver: each sends what waits, and gives back what it took of its namespace's share.
func TestStepsGoOnForEver(t *testing.T) {
	s := newSteps(t, 20)
	for range 3 * namespaceSteps {
		s.Expect(s.step()).To(BeZero())
	}
	s.Expect(s.attempts.Load()).To(BeEquivalentTo(20))
	s.Expect(s.index.WaitingTasks()).To(BeZero())
	s.free()
}

// TestANamespaceHasItsShare: who waits for it gives up where the operator ends, and leaves nothing behind.
func TestANamespaceHasItsShare(t *testing.T) {
	s := newSteps(t, 1)
	key := client.ObjectKeyFromObject(s.api.Source)
	for _, reason := range []string{"", v1alpha1.ReasonSinkUnavailable} {
		s.state(s.api.Source).health.Reason = reason
		gate, share := s.steps, namespaceSteps
		if reason != "" {
			gate, share = s.doubtful, namespaceDoubtful
		}
		var held []func()
		for range share {
			release, err := gate.Acquire(t.Context(), types.NamespacedName{Namespace: key.Namespace, Name: "other"})
			s.Expect(err).NotTo(HaveOccurred())
			held = append(held, release)
		}
		ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
		after, err := s.Reconciler.step(ctx, key)
		end()
		s.Expect(err).NotTo(HaveOccurred())
		s.Expect(after).To(BeZero())
		s.Expect(s.attempts.Load()).To(BeZero())
		for _, release := range held {
			release()
		}
		s.free()
	}
	s.Expect(s.step()).To(BeZero())
	s.Expect(s.attempts.Load()).To(BeEquivalentTo(1))
}

// TestOneStepAtATime: what asks for a step while one is under way has another one follow, which sees what has come meanwhile.
func TestOneStepAtATime(t *testing.T) {
	s := newSteps(t, 1)
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	defer queue.ShutDown()
	s.Expect(s.follow(t.Context(), queue)).To(Succeed())
	request, _ := queue.Get()
	s.api.Mu.Lock() // the step waits for the API server
	for range 3 {
		s.Expect(s.Reconcile(t.Context(), request)).To(BeZero())
	}
	s.Expect(s.running).To(HaveLen(1))
	s.api.Mu.Unlock()
	queue.Done(request)
	again, _ := queue.Get()
	s.Expect(again).To(Equal(request))
	s.Expect(s.running).To(BeEmpty())
	s.Expect(s.attempts.Load()).To(BeEquivalentTo(1))

	ctx, end := context.WithCancel(t.Context())
	end()
	s.Expect(s.Start(ctx)).To(Succeed())
	s.Expect(s.Reconcile(t.Context(), request)).To(BeZero())
	s.group.Wait()
	s.Expect(s.attempts.Load()).To(BeEquivalentTo(1), "nothing begins once the operator ends")
}

// TestASinkThatIsOutIsLeftAlone: a step ends with the first failures: nothing is sent but what was on its way then, neither of other tasks
// nor of those whose first event was taken. The next comes after a pause.
func TestASinkThatIsOutIsLeftAlone(t *testing.T) {
	s := newSteps(t, 10*sendConcurrency)
	s.status.Store(http.StatusServiceUnavailable)
	s.Expect(s.step()).To(BeNumerically(">=", sinkPause-time.Second/10))
	asked := s.attempts.Load()
	s.Expect(asked).To(BeNumerically("<=", sendConcurrency))
	s.Expect(s.index.WaitingTasks()).To(Equal(10 * sendConcurrency))
	s.Expect(s.told.Load()).To(BeNumerically(">", 0))
	s.Expect(s.Health(s.api.Source).Reason).To(Equal(v1alpha1.ReasonSinkUnavailable))
}

// TestASourceWithoutASink: what waits of it is dropped and counted, and nothing of it is remembered.
func TestASourceWithoutASink(t *testing.T) {
	s := newSteps(t, 3)
	s.state(s.api.Source)
	s.api.Source.Spec.Notify = nil
	s.Expect(s.step()).To(BeZero())
	s.Expect([]int{s.index.WaitingTasks(), int(s.attempts.Load())}).To(Equal([]int{0, 0}))
	s.Expect(testutil.ToFloat64(s.metrics.dropped.WithLabelValues(becauseOff))).To(BeEquivalentTo(3))
	s.Expect(s.states).To(BeEmpty())
	s.Expect(s.told.Load()).To(BeEquivalentTo(1))
}

// TestASourceThatIsGoing is forgotten, and nothing more is sent.
func TestASourceThatIsGoing(t *testing.T) {
	s := newSteps(t, 3)
	s.state(s.api.Source)
	s.api.Source.DeletionTimestamp = new(metav1.Now())
	s.Expect(s.step()).To(BeZero())
	s.Expect(s.attempts.Load()).To(BeZero())
	s.Expect(s.states).To(BeEmpty())
}

// TestWhatIsOnItsWayWhenTheOperatorEnds is not sent again after each restart: it has a moment to arrive and to be taken out. Nothing else is begun.
func TestWhatIsOnItsWayWhenTheOperatorEnds(t *testing.T) {
	s := newSteps(t, 1)
	for _, task := range s.api.Tasks {
		task.Status.Notifications = append(task.Status.Notifications, v1alpha1.Transition{Phase: v1alpha1.PhaseCompleted})
	}
	ctx, end := context.WithCancel(t.Context())
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		s.attempts.Add(1)
		end()
	}))
	t.Cleanup(sink.Close)
	s.api.Source.Spec.Notify.CloudEvents.Sink = sink.URL
	_, err := s.Reconciler.step(ctx, client.ObjectKeyFromObject(s.api.Source))
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(s.attempts.Load()).To(BeEquivalentTo(1))
	for _, task := range s.api.Tasks {
		s.Expect(task.Status.Notifications).To(ConsistOf(HaveField("Phase", v1alpha1.PhaseCompleted)))
	}
	s.free()
}
