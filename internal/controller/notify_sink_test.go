// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/cloudevents"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// eventSink takes CloudEvents, and does to some what sinks do.
type eventSink struct {
	*httptest.Server

	mu       sync.Mutex
	arrivals []arrival
	// fault answers instead of the sink, where it answers true; taken says that the event has arrived all the same.
	fault func(w http.ResponseWriter, r *http.Request, n int, event *sdk.Event) (answered, taken bool)
	seen  int
}

type arrival struct {
	id, task, phase, previous, token string
}

func newEventSink(t *testing.T) *eventSink {
	t.Helper()
	s := &eventSink{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *eventSink) serve(w http.ResponseWriter, r *http.Request) {
	event, err := cehttp.NewEventFromHTTPRequest(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var data cloudevents.Data
	if err := json.Unmarshal(event.Data(), &data); err != nil || data.ID != event.Subject() {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.seen++
	n, fault := s.seen, s.fault
	s.mu.Unlock()
	answered, taken := false, true
	if fault != nil {
		answered, taken = fault(w, r, n, event)
	}
	if taken {
		s.mu.Lock()
		s.arrivals = append(s.arrivals, arrival{event.ID(), data.ID, data.Phase, data.PreviousPhase, r.Header.Get("Authorization")})
		s.mu.Unlock()
	}
	if !answered {
		w.WriteHeader(http.StatusAccepted)
	}
}

// act sets the fault; nil: none.
func (s *eventSink) act(fault func(w http.ResponseWriter, r *http.Request, n int, event *sdk.Event) (answered, taken bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// answers makes the sink answer this status to all.
func (s *eventSink) answers(status int) {
	s.act(func(w http.ResponseWriter, _ *http.Request, _ int, _ *sdk.Event) (answered, taken bool) {
		w.WriteHeader(status)
		return true, false
	})
}

// attempts counts what was sent, taken or not.
func (s *eventSink) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// phases returns what has arrived, without repeats, in order, by task.
func (s *eventSink) phases() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, phases := map[string]bool{}, map[string][]string{}
	for _, a := range s.arrivals {
		if !ids[a.id] {
			phases[a.task] = append(phases[a.task], a.phase)
		}
		ids[a.id] = true
	}
	return phases
}

// distinct counts what has arrived, without repeats that are alike in all but progress.
func (s *eventSink) distinct() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	distinct := map[arrival]bool{}
	for _, a := range s.arrivals {
		distinct[a] = true
	}
	return len(distinct)
}

// tokens returns the Authorization headers that have come, each once.
func (s *eventSink) tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tokens []string
	for _, a := range s.arrivals {
		if len(tokens) == 0 || tokens[len(tokens)-1] != a.token {
			tokens = append(tokens, a.token)
		}
	}
	return tokens
}

func (s *eventSink) spec(spec *v1alpha1.LivepeerTaskSourceSpec) {
	spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: s.URL}}
}

// delivering waits until the source's condition Delivering has this reason, and returns it.
func (w *world) delivering(source, reason string) *metav1.Condition {
	w.t.Helper()
	return w.eventually(source, v1alpha1.ConditionDelivering, reason)
}

// notified waits until nothing is left to be sent.
func (w *world) notified() {
	w.t.Helper()
	w.Eventually(func() (waiting []string) {
		for _, task := range w.tasks() {
			for _, transition := range task.Status.Notifications {
				waiting = append(waiting, task.Spec.ID+" "+transition.Phase)
			}
		}
		return waiting
	}, soon, tick).Should(BeEmpty())
}

// liveTasks are tasks that go through phases, one mirrored before the next.
type liveTasks struct {
	w    *world
	want map[string][]string
	made int
}

func (l *liveTasks) begin(phase string) string {
	l.made++
	id := fmt.Sprintf("11fe%04d-0000-4000-8000-000000000000", l.made)
	now := time.Now().UnixMilli()
	l.w.studio.Put(livepeertest.Task{"id": id, "type": "upload", "createdAt": now,
		"status": map[string]any{"phase": phase, "updatedAt": now}})
	l.mirrored(id, phase)
	return id
}

func (l *liveTasks) enter(id, phase string) {
	l.w.studio.Update(id, func(task livepeertest.Task) {
		task["status"] = map[string]any{"phase": phase, "updatedAt": time.Now().UnixMilli()}
	})
	l.mirrored(id, phase)
}

func (l *liveTasks) mirrored(id, phase string) {
	l.w.t.Helper()
	l.w.Eventually(func() string { return l.w.phaseOf(id) }, soon, tick).Should(Equal(phase))
	l.want[id] = append(l.want[id], phase)
}

func (w *world) phaseOf(id string) string {
	w.t.Helper()
	task := &v1alpha1.LivepeerTask{}
	w.Expect(client.IgnoreNotFound(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: mirror.Names(id)[0]}, task))).To(Succeed())
	return task.Status.Phase
}

// sendingTo starts a world that sends to a sink, with some tasks that are there already.
func sendingTo(t *testing.T, sink *eventSink) (*world, *liveTasks) {
	t.Helper()
	w := mirroring(t, 30, sink.spec)
	return w, &liveTasks{w: w, want: map[string][]string{}}
}
