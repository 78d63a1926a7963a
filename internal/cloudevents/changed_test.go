// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// delivering is the condition that the source's status is to have, written where that was asked for.
func (s *steps) delivering() *metav1.Condition {
	SetCondition(s.api.Source, s.Health(s.api.Source))
	return meta.FindStatusCondition(s.api.Source.Status.Conditions, v1alpha1.ConditionDelivering)
}

// TestAnotherSinkIsJudgedByItself: who corrects the sink and waits for the condition does not get what is true of the earlier one.
func TestAnotherSinkIsJudgedByItself(t *testing.T) {
	s := newSteps(t, 1)
	s.Expect(s.step()).To(BeZero())
	s.Expect(s.delivering()).To(HaveField("Reason", v1alpha1.ReasonDelivered))

	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	s.api.Source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: other.URL}}
	s.api.Source.Generation++
	s.Expect(s.delivering().ObservedGeneration).To(BeNumerically("<", s.api.Source.Generation), "nothing is known of this sink")
	told := s.told.Load()
	s.Expect(s.step()).To(BeZero())
	s.Expect(s.told.Load()).To(BeNumerically(">", told))
	s.Expect(s.delivering()).To(And(HaveField("Reason", v1alpha1.ReasonNothingSent), HaveField("ObservedGeneration", s.api.Source.Generation)))

	s.api.Source.Generation++ // by something else
	s.Expect(s.step()).To(BeZero())
	s.Expect(s.delivering()).To(And(HaveField("Reason", v1alpha1.ReasonNothingSent), HaveField("ObservedGeneration", s.api.Source.Generation)))
}

// TestWhatWasDeliveredBeforeARestart is true of the spec of then.
func TestWhatWasDeliveredBeforeARestart(t *testing.T) {
	for changed, reason := range map[bool]string{false: v1alpha1.ReasonDelivered, true: v1alpha1.ReasonNothingSent} {
		s := newSteps(t, 0)
		SetCondition(s.api.Source, Health{v1alpha1.ReasonDelivered, "well"})
		if changed {
			s.api.Source.Generation++
		}
		s.Expect(s.step()).To(BeZero())
		s.Expect(s.delivering()).To(HaveField("Reason", reason))
	}
}

// TestAStepEndsWhereTheSourceIsChanged: what waits goes to the sink of now, not for as long as a step may last to the one that was taken out.
func TestAStepEndsWhereTheSourceIsChanged(t *testing.T) {
	s := newSteps(t, 10*sendConcurrency)
	var before, after atomic.Int32
	another := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { after.Add(1) }))
	t.Cleanup(another.Close)
	earlier := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if before.Add(1) == 1 {
			s.api.Mu.Lock()
			defer s.api.Mu.Unlock()
			s.api.Source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: another.URL}}
			s.api.Source.Generation++
		}
	}))
	t.Cleanup(earlier.Close)
	s.api.Source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: earlier.URL}}
	s.step()
	s.Expect(before.Load()).To(BeNumerically("<=", 2*sendConcurrency))
	s.step()
	s.Expect(before.Load() + after.Load()).To(BeEquivalentTo(10 * sendConcurrency))
}

// TestTheRefusedTaskIsNamed: one that waits still, not one that is gone.
func TestTheRefusedTaskIsNamed(t *testing.T) {
	now, state, sink := time.Now(), &sending{}, &Sink{}
	state.begin(sink, 0)
	for _, name := range []string{"kept", "deleted"} {
		state.note(name, 0, &Error{Kind: Refused, Message: "no " + name}, now)
	}
	state.end(now)
	state.begin(sink, 0)
	state.due([]string{"kept"}, now)
	state.end(now)
	if is, _ := state.condition(false); is.Reason != v1alpha1.ReasonSinkRefused || !strings.Contains(is.Message, "task kept") {
		t.Errorf("%+v", is)
	}
}

// TestARefusedTaskThatGoes: the condition does not go on about its event until that would have been tried again.
func TestARefusedTaskThatGoes(t *testing.T) {
	s := newSteps(t, 1)
	s.status.Store(http.StatusBadRequest)
	now := time.Now()
	s.now = func() time.Time { return now }
	for steps := 0; s.attempts.Load() < 5; steps++ {
		after := s.step()
		s.Expect(after).To(And(BeNumerically(">", 0), BeNumerically("<=", goneRetry)))
		s.Expect(steps).To(BeNumerically("<", 100))
		now = now.Add(after)
	}
	s.Expect(s.delivering()).To(HaveField("Reason", v1alpha1.ReasonSinkRefused))
	for name, task := range s.api.Tasks {
		s.index.Deleted(client.ObjectKeyFromObject(task), task.UID)
		delete(s.api.Tasks, name)
	}
	s.step()
	s.Expect(s.delivering()).To(HaveField("Reason", v1alpha1.ReasonNothingSent))
}

// TestWhatComesAfterNotifyIsSetAgainIsSent: spec.notify is removed, and set again while what waited is being taken away, as by a tool of
// GitOps. The phase that a task reaches then is sent.
func TestWhatComesAfterNotifyIsSetAgainIsSent(t *testing.T) {
	s := newSteps(t, 60)
	notify := s.api.Source.Spec.Notify
	set := func(to *v1alpha1.Notify) {
		s.api.Source.Spec.Notify = to
		s.api.Source.Generation++
	}
	set(nil)
	var once sync.Once
	s.api.Writing = func(_, _ *v1alpha1.LivepeerTask) {
		once.Do(func() {
			set(notify)
			task := s.api.Tasks["task-59"].DeepCopy()
			s.api.Version++
			task.ResourceVersion = strconv.Itoa(s.api.Version)
			task.Status.Notifications = append(task.Status.Notifications, v1alpha1.Transition{Phase: v1alpha1.PhaseFailed})
			s.api.Tasks["task-59"] = task
		})
	}
	s.step()
	s.Expect(s.attempts.Load()).To(BeZero(), "it took away")
	s.Expect(s.index.WaitingTasks()).To(BeNumerically("<", 60))
	for s.index.WaitingTasks() > 0 {
		s.step()
	}
	s.Expect(s.attempts.Load()).To(BeNumerically(">=", 2), "of task-59")
}
