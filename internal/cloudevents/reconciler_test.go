// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
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
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
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
		Client: s.api, Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: s.api}, s.api, index),
		Sinks: NewSinks(credentials.NewWatcher(s.api, nil), "test", studio.Hosts{}), Metrics: measured, Now: time.Now,
		Changed: func(types.NamespacedName) { s.told.Add(1) },
	})
	return s
}

func (s *steps) step() reconcile.Result {
	s.t.Helper()
	result, err := s.Reconcile(s.t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(s.api.Source)})
	s.Expect(err).NotTo(HaveOccurred())
	return result
}

// TestStepsGoOnForEver: each sends what waits, and gives back what it took of its namespace's share.
func TestStepsGoOnForEver(t *testing.T) {
	s := newSteps(t, 20)
	for range 3 * namespaceWorkers {
		s.Expect(s.step()).To(BeZero())
	}
	s.Expect(s.attempts.Load()).To(BeEquivalentTo(20))
	s.Expect(s.index.WaitingTasks()).To(BeZero())
	for range namespaceWorkers {
		_, ok := s.gate.TryAcquire(types.NamespacedName{Namespace: "media", Name: "other"})
		s.Expect(ok).To(BeTrue())
	}
	s.Expect(s.step().RequeueAfter).To(And(BeNumerically(">", 0), BeNumerically("<=", 2*crowdedRetry)), "others have all of it")
}

// TestASinkThatIsOutIsLeftAlone: a step ends with the first failures, and the next comes after a pause.
func TestASinkThatIsOutIsLeftAlone(t *testing.T) {
	s := newSteps(t, 10*sendConcurrency)
	s.status.Store(http.StatusServiceUnavailable)
	s.Expect(s.step().RequeueAfter).To(BeNumerically(">=", sinkPause-time.Second/10))
	asked := s.attempts.Load()
	s.Expect(asked).To(BeNumerically("<=", 3*sendConcurrency))
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
