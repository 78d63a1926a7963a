// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// TestSendsPhases: of tasks that are there when a source begins, and stay as they are, nothing is sent. Of each phase that
// one reaches from then on, an event is, also of a task that is over when it is first seen.
func TestSendsPhases(t *testing.T) {
	t.Parallel()
	sink := newEventSink(t)
	w, lives := sendingTo(t, sink)
	w.delivering("main", v1alpha1.ReasonNothingSent)

	one := lives.begin("pending")
	lives.enter(one, "running")
	lives.enter(one, "completed")
	lives.begin("failed")
	w.Eventually(sink.phases, soon, tick).Should(Equal(lives.want))
	w.notified()
	w.delivering("main", v1alpha1.ReasonDelivered)
	w.Expect(sink.attempts()).To(Equal(4))

	w.resync("main", "nothing is sent again")
	w.stop()
	w.startOperator()
	w.resync("main", "nor after a restart")
	lives.enter(one, "waiting")
	w.Eventually(sink.phases, soon, tick).Should(Equal(lives.want))
	w.Expect(sink.attempts()).To(Equal(5))
}

// TestEveryPhaseArrives: through a sink that fails, hangs, drops answers and wants to be left alone, and an operator that
// stops and starts meanwhile, every phase arrives, those of a task in order, and repeats have the same ID.
func TestEveryPhaseArrives(t *testing.T) {
	t.Parallel()
	sink := newEventSink(t)
	w, lives := sendingTo(t, sink)
	sink.act(func(rw http.ResponseWriter, _ *http.Request, n int, _ *sdk.Event) (answered, taken bool) {
		switch n % 7 {
		case 0:
			rw.WriteHeader(http.StatusInternalServerError)
		case 1: // it has the event, and its answer is lost
			hijack(rw)
			return true, true
		case 2:
			hijack(rw)
		case 3:
			rw.Header().Set("Retry-After", "1")
			rw.WriteHeader(http.StatusTooManyRequests)
		default:
			return false, true
		}
		return true, false
	})
	ids := []string{lives.begin("pending"), lives.begin("pending"), lives.begin("waiting")}
	for round, phases := range [][]string{{"waiting", "running", "failed"}, {"waiting", "running", "completed"}} {
		for _, phase := range phases {
			for _, id := range ids {
				if w.phaseOf(id) != phase {
					lives.enter(id, phase)
				}
			}
		}
		w.stop()
		if round == 1 {
			sink.act(nil)
		}
		w.startOperator()
	}
	w.Eventually(sink.phases, soon, tick).Should(Equal(lives.want))
	w.notified()
	w.delivering("main", v1alpha1.ReasonDelivered)
	w.Expect(sink.distinct()).To(Equal(len(slices.Concat(lives.want[ids[0]], lives.want[ids[1]], lives.want[ids[2]]))))
}

func hijack(rw http.ResponseWriter) {
	if connection, _, err := http.NewResponseController(rw).Hijack(); err == nil {
		_ = connection.Close()
	}
}

// TestSinkThatHangs: mirroring goes on, and so do other sources' events. What waited is sent once the sink answers, across
// a restart of the operator while it was down.
func TestSinkThatHangs(t *testing.T) {
	t.Parallel()
	sink, other := newEventSink(t), newEventSink(t)
	w, lives := sendingTo(t, sink)
	release := make(chan struct{})
	sink.act(func(_ http.ResponseWriter, r *http.Request, _ int, _ *sdk.Event) (answered, taken bool) {
		select {
		case <-release:
			return false, true
		case <-r.Context().Done():
			return true, false
		}
	})
	one := lives.begin("pending")
	lives.enter(one, "running")
	w.Eventually(sink.attempts, soon, tick).Should(BeNumerically(">", 0))
	lives.enter(one, "failed") // while the first one hangs
	w.Expect(len(w.taskOf(one).Status.Notifications)).To(BeNumerically(">=", 3))

	w2 := newWorld(t)
	w2.secret("simulated-studio-api-key")
	w2.source("main", other.spec)
	w2.startOperator()
	w2.eventuallyReady("main", v1alpha1.ReasonSynced)
	l2 := &liveTasks{w: w2, want: map[string][]string{}}
	l2.begin("running")
	w2.Eventually(other.phases, soon, tick).Should(Equal(l2.want))

	unavailable := w.delivering("main", v1alpha1.ReasonSinkUnavailable)
	w.Expect(unavailable.Status).To(Equal(metav1.ConditionFalse))
	w.Expect(unavailable.Message).To(ContainSubstring("did not answer within"))
	w.Expect(sink.phases()).To(BeEmpty())
	w.stop()
	close(release)
	w.startOperator()
	w.Eventually(sink.phases, soon, tick).Should(Equal(lives.want))
	w.notified()
	w.delivering("main", v1alpha1.ReasonDelivered)
	w.Eventually(func() []string { return w.eventsOf("main") }, soon, tick).Should(ContainElements("SinkUnavailable", "Delivered"))
}

// taskOf is the mirrored task with this ID.
func (w *world) taskOf(id string) *v1alpha1.LivepeerTask {
	w.t.Helper()
	for _, task := range w.tasks() {
		if task.Spec.ID == id {
			return &task
		}
	}
	w.t.Fatalf("%s is not mirrored", id)
	return nil
}

// eventsOf lists the reasons of the Events of a source.
func (w *world) eventsOf(source string) (reasons []string) {
	w.t.Helper()
	list := &corev1.EventList{}
	w.Expect(w.client.List(w.ctx, list, client.InNamespace(w.namespace))).To(Succeed())
	for i := range list.Items {
		if list.Items[i].InvolvedObject.Kind == "LivepeerTaskSource" && list.Items[i].InvolvedObject.Name == source {
			reasons = append(reasons, list.Items[i].Reason)
		}
	}
	return reasons
}

// TestRefusedEvent: one task's event that the sink does not take holds up no other task, is not tried again and again, and
// is not lost.
func TestRefusedEvent(t *testing.T) {
	t.Parallel()
	sink := newEventSink(t)
	w, lives := sendingTo(t, sink)
	var bad atomic.Value
	bad.Store("")
	sink.act(func(rw http.ResponseWriter, _ *http.Request, _ int, event *sdk.Event) (answered, taken bool) {
		if event.Subject() != bad.Load() {
			return false, true
		}
		rw.WriteHeader(http.StatusUnprocessableEntity)
		return true, false
	})
	one, two := lives.begin("pending"), lives.begin("pending")
	w.notified()
	bad.Store(one)
	lives.enter(one, "running")
	w.Expect(w.delivering("main", v1alpha1.ReasonSinkRefused).Message).To(ContainSubstring("422"))
	before := sink.attempts()
	for _, phase := range []string{"waiting", "running", "completed"} {
		lives.enter(two, phase)
	}
	w.Eventually(func() []string { return sink.phases()[two] }, soon, tick).Should(Equal(lives.want[two]))
	w.Expect(sink.attempts()).To(Equal(before + 3))
	w.Expect(w.taskOf(one).Status.Notifications).To(HaveLen(1))

	bad.Store("")
	w.stop()
	w.startOperator() // whose memory of what to leave alone is gone
	w.Eventually(sink.phases, soon, tick).Should(Equal(lives.want))
	w.notified()
}

// TestSinkToken: a sink that wants a token is named as trouble; the token works as soon as it is stored, and so does another.
func TestSinkToken(t *testing.T) {
	t.Parallel()
	sink := newEventSink(t)
	w, lives := sendingTo(t, sink)
	var wanted atomic.Value
	wanted.Store("Bearer first-token")
	sink.act(func(rw http.ResponseWriter, r *http.Request, _ int, _ *sdk.Event) (answered, taken bool) {
		if r.Header.Get("Authorization") == wanted.Load() {
			return false, true
		}
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = rw.Write([]byte("not " + r.Header.Get("Authorization")))
		return true, false
	})
	one := lives.begin("pending")
	w.Expect(w.delivering("main", v1alpha1.ReasonSinkRefused).Message).To(ContainSubstring("401"))
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.Notify.CloudEvents.SecretRef = &v1alpha1.SecretReference{Name: "sink"}
	})
	w.Expect(w.delivering("main", v1alpha1.ReasonInvalidSink).Message).To(ContainSubstring(`Secret "sink" not found`))
	w.sinkToken("first-token")
	w.Eventually(sink.phases, soon, tick).Should(Equal(lives.want))
	w.delivering("main", v1alpha1.ReasonDelivered)

	wanted.Store("Bearer second-token")
	lives.enter(one, "running")
	refused := w.delivering("main", v1alpha1.ReasonSinkRefused)
	w.Expect(refused.Message).NotTo(ContainSubstring("first-token"))
	w.sinkToken("second-token")
	w.Eventually(sink.phases, soon, tick).Should(Equal(lives.want))
	w.Expect(sink.tokens()).To(Equal([]string{"Bearer first-token", "Bearer second-token"}))
}

func (w *world) sinkToken(token string) {
	w.t.Helper()
	w.secretNamed("sink", map[string]string{"sinkToken": token})
}

// TestNotifyTurnedOff: what waits is taken away, and is not sent when it is turned on again.
func TestNotifyTurnedOff(t *testing.T) {
	t.Parallel()
	sink := newEventSink(t)
	w, lives := sendingTo(t, sink)
	sink.answers(http.StatusServiceUnavailable)
	one := lives.begin("pending")
	lives.enter(one, "running")
	w.delivering("main", v1alpha1.ReasonSinkUnavailable)
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Notify = nil })
	w.notified()
	w.Eventually(func() []metav1.Condition { return w.getSource("main").Status.Conditions }, soon, tick).
		ShouldNot(ContainElement(HaveField("Type", v1alpha1.ConditionDelivering)))
	sink.act(nil)
	w.respec("main", sink.spec)
	w.delivering("main", v1alpha1.ReasonNothingSent)
	lives.enter(one, "completed")
	w.Eventually(sink.phases, soon, tick).Should(Equal(map[string][]string{one: {"completed"}}))
}

func TestNotifySample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.kubectl("", "apply", "-f", "../../config/samples/livepeertasksource_cloudevents.yaml")
	w.Expect(err).NotTo(HaveOccurred(), out)
	w.Expect(w.getSource("main").Spec.Notify.CloudEvents.Sink).To(Equal("https://events.example.com/livepeer"))
}

// TestEditedOutbox: what somebody writes into the list is sent at worst, and breaks nothing.
func TestEditedOutbox(t *testing.T) {
	t.Parallel()
	sink := newEventSink(t)
	w, lives := sendingTo(t, sink)
	one := lives.begin("pending")
	w.notified()
	task := w.taskOf(one)
	for range v1alpha1.MaxNotifications {
		task.Status.Notifications = append(task.Status.Notifications, v1alpha1.Transition{Phase: "made up"})
	}
	w.Expect(w.client.Status().Update(w.ctx, task)).To(Succeed())
	lives.enter(one, "running")
	w.notified()
	w.Eventually(func() []string { return sink.phases()[one] }, soon, tick).Should(ContainElements("pending", "running"))
	w.Expect(w.taskOf(one).Status.Phase).To(Equal("running"))
}
