// SPDX-License-Identifier: Apache-2.0

package events

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/time/rate"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// soon is for a machine that is busy with other things.
const soon = 4 * time.Minute

// sink is an API server that takes Events.
type sink struct {
	client.Client

	mu      sync.Mutex
	answers []error // to the first ones
	got     []string
	last    eventsv1.Event
}

func (s *sink) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) > 0 {
		answer := s.answers[0]
		s.answers = s.answers[1:]
		return answer
	}
	s.got = append(s.got, obj.GetName())
	s.last = *obj.(*eventsv1.Event) //nolint:forcetypeassert // Nothing else is made.
	return nil
}

func (s *sink) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func (s *sink) log(t *testing.T) *Log {
	t.Helper()
	log, err := NewLog(s, prometheus.NewRegistry(), logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// TestTooManyEvents: whoever mirrors does not wait for Events; what is too much is dropped and counted, and the rest is
// written no faster than an API server bears.
func TestTooManyEvents(t *testing.T) {
	s := &sink{}
	log := s.log(t)
	for i := range 3 * namespaceQueue {
		log.Tell("LivepeerTask", kubetest.ATask("a", "main", 1), &Event{Reason: "Running", Identity: []any{i}})
	}
	if got := testutil.ToFloat64(log.dropped); got != 2*namespaceQueue {
		t.Errorf("%v are counted as dropped", got)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	began := time.Now()
	if err := log.Start(ctx); err != nil {
		t.Error(err)
	}
	took := time.Since(began)
	if most := eventBurst + eventRate*(took.Seconds()+1); float64(len(s.taken())) > most {
		t.Errorf("%d are written in %s", len(s.taken()), took)
	}
	if took > eventDrainTimeout+time.Minute {
		t.Errorf("the operator ends after %s", took)
	}
}

// TestOneNamespaceKeepsNobodysEventsOut: however many it has.
func TestOneNamespaceKeepsNobodysEventsOut(t *testing.T) {
	log := (&sink{}).log(t)
	for i := range 2 * eventQueue {
		log.Tell("LivepeerTask", kubetest.ATask("a", "main", 1), &Event{Reason: "Running", Identity: []any{i}})
	}
	dropped := testutil.ToFloat64(log.dropped)
	other := kubetest.ATask("a", "main", 1)
	other.Namespace = "other"
	log.Tell("LivepeerTask", other, &Event{Reason: "Running"})
	if got := testutil.ToFloat64(log.dropped); got != dropped {
		t.Error("another namespace's is dropped")
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	log.limiter.SetLimit(rate.Inf)
	if err := log.Start(ended); err != nil || log.waiting.Len() > 0 {
		t.Errorf("%v; waiting: %d", err, log.waiting.Len())
	}
}

// TestTroubleWithEvents: they are tried again where that helps. The process that ends writes what waits.
func TestTroubleWithEvents(t *testing.T) {
	kind := schema.GroupResource{Group: "events.k8s.io", Resource: "events"}
	for name, c := range map[string]struct {
		answer error
		taken  int
	}{
		"all is well":   {nil, 2},
		"no connection": {errors.New("refused"), 2},
		"overload":      {apierrors.NewTooManyRequests("later", 1), 2},
		"broken":        {apierrors.NewInternalError(errors.New("no leader")), 2},
		"there already": {apierrors.NewAlreadyExists(kind, "a"), 1},
		"not allowed":   {apierrors.NewForbidden(kind, "a", errors.New("terminating")), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := &sink{}
			if c.answer != nil {
				s.answers = []error{c.answer}
			}
			log := s.log(t)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- log.Start(ctx) }()
			for i := range 2 {
				log.Tell("LivepeerTask", kubetest.ATask("a", "main", 1), &Event{Reason: "Running", Identity: []any{i}})
			}
			g.Eventually(s.taken, soon).Should(HaveLen(c.taken))
			stop()
			g.Eventually(ended, soon).Should(Receive(BeNil()))
			g.Expect(testutil.ToFloat64(log.dropped)).To(BeEquivalentTo(map[bool]int{true: 1}[name == "not allowed"]))
		})
	}
	s := &sink{}
	log := s.log(t)
	log.Tell("LivepeerTask", kubetest.ATask("a", "main", 1), &Event{Reason: "Running"})
	ended, stop := context.WithCancel(t.Context())
	stop()
	if err := log.Start(ended); err != nil || len(s.taken()) != 1 {
		t.Errorf("%v: %v is written at the end", err, s.taken())
	}
}

// TestAnAPIServerThatIsGone keeps no Event waiting for ever, and no operator from ending. The log says how many were dropped, now and then.
func TestAnAPIServerThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		s := &sink{answers: slices.Repeat([]error{errors.New("refused")}, 1000)}
		log := s.log(t)
		var lines []string // under the log's lock
		log.log = funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{})
		said := func() []string {
			synctest.Wait()
			log.mu.Lock()
			defer log.mu.Unlock()
			return slices.Clone(lines)
		}
		tell := func(n int) {
			for i := range n {
				log.Tell("LivepeerTask", kubetest.ATask("a", "main", 1), &Event{Reason: "Running", Identity: []any{i}})
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- log.Start(ctx) }()
		tell(1)
		<-time.After((1 + 2 + 4 + 8) * eventPause / 2)
		g.Expect(said()).To(BeEmpty(), "it may be there again soon")
		<-time.After(droppedTold / 2)
		g.Expect(said()).To(ConsistOf(And(ContainSubstring(`"events"=1`), ContainSubstring(`"last"="refused"`))))
		tell(2)
		<-time.After(droppedTold)
		tell(1)
		<-time.After(droppedTold)
		g.Expect(said()).To(HaveLen(2), "no more than one in a minute")
		g.Expect(said()[1]).To(ContainSubstring(`"events"=3`))
		g.Expect(testutil.ToFloat64(log.dropped)).To(BeEquivalentTo(4))

		g.Expect(s.answers).To(HaveLen(1000-4*eventAttempts), "nobody asks any more")

		tell(100)
		synctest.Wait()
		began := time.Now()
		stop()
		g.Expect(<-ended).To(Succeed())
		g.Expect(time.Since(began)).To(BeNumerically("<=", eventDrainTimeout))
		g.Expect(testutil.ToFloat64(log.dropped)).To(BeNumerically(">=", 8), "those that are given up count")
	})
}

// TestWhatAnEventSays is what kubectl describe shows of the object: of this one, and of no other of its name.
func TestWhatAnEventSays(t *testing.T) {
	g := NewWithT(t)
	s := &sink{}
	log := s.log(t)
	ended, stop := context.WithCancel(t.Context())
	stop()
	for _, kind := range []string{"Warning", "Normal"} {
		log.Tell("LivepeerTask", kubetest.ATask("a", "main", 7), &Event{
			Action: Mirroring, Reason: "Failed", Note: strings.Repeat("x", 5000), Warning: kind == "Warning", Identity: []any{kind},
		})
		g.Expect(log.Start(ended)).To(Succeed())
		g.Expect([]string{s.last.Type, s.last.Action, s.last.Reason, s.last.ReportingController}).To(Equal([]string{kind, "Mirror", "Failed", Source}))
		g.Expect(len(s.last.Note)).To(And(BeNumerically(">", 1000), BeNumerically("<=", 1024)))
		of := s.last.Regarding
		g.Expect([]string{of.Kind, of.Namespace, of.Name, string(of.UID), of.ResourceVersion}).To(Equal([]string{"LivepeerTask", "media", "a", "uid-of-a", "7"}))
		g.Expect(s.last.Namespace).To(Equal("media"))
	}
}

// TestEventName: one for the same news, another for any other, and valid for every name of a task.
func TestEventName(t *testing.T) {
	again := kubetest.ATask("a", "main", 1)
	again.UID = "another"
	names := map[string]bool{eventName(again, "Failed", []any{"1"}): true}
	for _, object := range []string{"a", "b", strings.Repeat("x", 253), strings.Repeat("x.", 126) + "y"} {
		for _, reason := range []string{"Failed", "Running"} {
			for _, identity := range []any{"1", "2"} {
				name := eventName(kubetest.ATask(object, "main", 1), reason, []any{identity})
				if names[name] || name != eventName(kubetest.ATask(object, "main", 7), reason, []any{identity}) {
					t.Errorf("%s %s %s: %s", object, reason, identity, name)
				}
				if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
					t.Errorf("%s: %v", name, problems)
				}
				names[name] = true
			}
		}
	}
}

// TestFewNamespacesKeepNobodysEventsOut: two that have more than there is room for. What another one's Event tells is neither dropped nor
// late: namespaces take turns.
func TestFewNamespacesKeepNobodysEventsOut(t *testing.T) {
	s := &sink{}
	log := s.log(t)
	tell := func(namespace string, i int) {
		task := kubetest.ATask(namespace, "main", 1)
		task.Namespace = namespace
		log.Tell("LivepeerTask", task, &Event{Reason: "Running", Identity: []any{i}})
	}
	for i := range eventQueue {
		tell("one", i)
		tell("two", i)
	}
	before := testutil.ToFloat64(log.dropped)
	tell("three", 0)
	if got := testutil.ToFloat64(log.dropped) - before; got != 1 {
		t.Errorf("%v are dropped to make room for one", got)
	}
	var first []string // as the writers take them, each of which may then be slow
	for range 3 {
		<-log.come
		first = append(first, log.next().Namespace)
	}
	if !slices.Contains(first, "three") {
		t.Errorf("the first are of %q", first)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	log.limiter.SetLimit(rate.Inf)
	if err := log.Start(ended); err != nil {
		t.Error(err)
	}
	if got := len(s.taken()); got != eventQueue-len(first) {
		t.Errorf("%d are written", got)
	}
}
