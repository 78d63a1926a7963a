// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// sendingSource is a source that has a sink.
func sendingSource() *v1alpha1.LivepeerTaskSource {
	source := aSource()
	source.Generation = 3
	source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: "https://sink.example"}}
	return source
}

// TestTheConditionOfASource: it says how the sending goes, stays where that is not known yet, and goes with the sink.
func TestTheConditionOfASource(t *testing.T) {
	g := NewWithT(t)
	source := sendingSource()
	delivering := func() *metav1.Condition {
		return meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionDelivering)
	}
	SetCondition(source, Health{})
	g.Expect(delivering()).To(BeNil())
	out := Health{v1alpha1.ReasonSinkUnavailable, strings.Repeat("out of reach ", 10_000)}
	g.Expect(saysSo(source, out)).To(BeFalse())
	SetCondition(source, out)
	g.Expect(*delivering()).To(And(HaveField("Status", metav1.ConditionFalse), HaveField("Reason", out.Reason), HaveField("ObservedGeneration", int64(3))))
	g.Expect(len(delivering().Message)).To(BeNumerically("<=", condition.MaxMessage+len("...")))
	g.Expect(saysSo(source, out)).To(BeTrue(), "cut or not")
	SetCondition(source, Health{})
	g.Expect(delivering().Reason).To(Equal(out.Reason), "nothing is known yet, as after a restart")
	SetCondition(source, Health{v1alpha1.ReasonDelivered, "well"})
	g.Expect(*delivering()).To(And(HaveField("Status", metav1.ConditionTrue), HaveField("Message", "well")))
	said, of := recorded(source)
	g.Expect(said).To(Equal(Health{v1alpha1.ReasonDelivered, "well"}))
	g.Expect(of).To(BeEquivalentTo(3))
	source.Spec.Notify = nil
	SetCondition(source, Health{v1alpha1.ReasonDelivered, "well"})
	g.Expect(delivering()).To(BeNil())
}

// TestHealthIsOfThisSource: not of an earlier one of its name, and begins with what its condition says, so that no Event tells it again.
func TestHealthIsOfThisSource(t *testing.T) {
	g := NewWithT(t)
	r := &Reconciler{states: map[types.NamespacedName]*sending{}}
	source := sendingSource()
	g.Expect(r.Health(source)).To(BeZero())
	SetCondition(source, Health{v1alpha1.ReasonSinkRefused, "no"})
	state := r.state(source)
	g.Expect(r.Health(source)).To(Equal(Health{v1alpha1.ReasonSinkRefused, "no"}))
	_, changed := state.condition(true)
	g.Expect(changed).To(BeFalse())
	g.Expect(r.state(source)).To(BeIdenticalTo(state))
	anew := sendingSource()
	anew.UID = "another"
	g.Expect(r.Health(anew)).To(BeZero())
	g.Expect(r.state(anew)).NotTo(BeIdenticalTo(state))
	g.Expect(r.states).To(HaveLen(1))
}

// TestASinkThatCanBeUsedAgain is tried at once, however long the pause was.
func TestASinkThatCanBeUsedAgain(t *testing.T) {
	g := NewWithT(t)
	state, sink, now := &sending{}, &Sink{}, time.Now()
	state.stepWith(sink, 0, &Error{Kind: Denied, Message: "no"}, now)
	state.unusable(&Error{Kind: Unusable, Message: "no Secret"}, 0)
	is, _ := state.condition(false)
	g.Expect(is).To(Equal(Health{v1alpha1.ReasonInvalidSink, "no Secret. Events are kept until then"}))
	state.begin(sink, 0)
	all, _ := state.pause(now)
	g.Expect(all).To(BeZero())
}

// TestPausesBeginAnewAfterSuccess, and grow for each task whose event is refused.
func TestPausesBeginAnewAfterSuccess(t *testing.T) {
	g := NewWithT(t)
	state, sink, now := &sending{}, &Sink{}, time.Now()
	out, refused := &Error{Kind: Unavailable, Message: "out"}, &Error{Kind: Refused, Message: "no"}
	for range 8 {
		state.stepWith(sink, 0, out, now)
	}
	g.Expect(state.stepWith(sink, 1, out, now)).To(BeNumerically("<", 2*sinkPause), "one was taken before the next failed")
	state.stepWith(sink, 1, nil, now)
	g.Expect(state.parallel()).To(Equal(sendConcurrency))

	for range 4 {
		state.stepWith(sink, 0, refused, now)
	}
	state.note("later", 0, refused, now)
	_, quarantine := state.pause(now)
	g.Expect(quarantine).To(And(BeNumerically(">=", refusedPause), BeNumerically("<", 2*refusedPause)), "that of the task that comes first")
	_, quarantine = state.pause(now.Add(time.Hour))
	g.Expect(quarantine).To(Equal(time.Millisecond), "and at once where it is over")
	delete(state.quarantine, "later")
	_, quarantine = state.pause(now)
	g.Expect(quarantine).To(BeNumerically(">=", 8*refusedPause))
	g.Expect(state.due([]string{"a", "task", "z"}, now)).To(Equal([]string{"z", "a"}), "behind the one that was last begun with")
}

// TestAnEndOfTheOperatorIsNobodysTrouble: no pause, and no condition.
func TestAnEndOfTheOperatorIsNobodysTrouble(t *testing.T) {
	g := NewWithT(t)
	state := &sending{}
	g.Expect(state.stepWith(&Sink{}, 0, context.Canceled, time.Now())).To(BeZero())
	is, _ := state.condition(false)
	g.Expect(is).To(BeZero())
}

// TestWhatIsCounted: attempts by how they ended, how late an event was, and what will not be sent.
func TestWhatIsCounted(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewRegistry()
	m, err := NewMetrics(registry, func() int { return 7 })
	g.Expect(err).NotTo(HaveOccurred())
	now := time.UnixMilli(10_000)
	m.attempted(&v1alpha1.Transition{UpdatedAt: at(4000)}, nil, now)
	m.attempted(&v1alpha1.Transition{}, nil, now)
	m.attempted(&v1alpha1.Transition{}, &Error{Kind: Denied}, now)
	m.attempted(&v1alpha1.Transition{}, context.Canceled, now)
	m.attempted(&v1alpha1.Transition{}, errors.New("API server"), now)
	m.Wrote(&taskstore.Change{Lost: 2, Stored: aTask()})
	m.Wrote(&taskstore.Change{Lost: 1})
	m.Wrote(&taskstore.Change{Stored: aTask()})
	m.drop(becauseOff, 4)
	sums := map[string]float64{}
	for _, result := range []string{resultDelivered, "denied", "unavailable", "refused", "unusable"} {
		sums[result] = testutil.ToFloat64(m.sent.WithLabelValues(result))
	}
	for _, because := range []string{becauseFull, becauseDeleted, becauseOff} {
		sums[because] = testutil.ToFloat64(m.dropped.WithLabelValues(because))
	}
	g.Expect(sums).To(Equal(map[string]float64{
		resultDelivered: 2, "denied": 1, "unavailable": 0, "refused": 0, "unusable": 0, becauseFull: 2, becauseDeleted: 1, becauseOff: 4,
	}))
	families, err := registry.Gather()
	g.Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if histogram := family.GetMetric()[0].GetHistogram(); histogram != nil {
			g.Expect([]float64{float64(histogram.GetSampleCount()), histogram.GetSampleSum()}).To(Equal([]float64{1, 6}))
		}
		if gauge := family.GetMetric()[0].GetGauge(); gauge != nil {
			g.Expect(gauge.GetValue()).To(BeEquivalentTo(7))
		}
	}
	g.Expect(families).To(HaveLen(4))
}

// TestWhatASinksSecretHolds: a token, or certificates and no token.
func TestWhatASinksSecretHolds(t *testing.T) {
	for name, c := range map[string]struct {
		data map[string][]byte
		well bool
	}{
		"a token":                     {map[string][]byte{"sinkToken": []byte("x")}, true},
		"certificates":                {map[string][]byte{"ca.crt": []byte("x")}, true},
		"both":                        {map[string][]byte{"sinkToken": []byte("x"), "ca.crt": []byte("x")}, true},
		"nothing":                     {nil, false},
		"an empty token":              {map[string][]byte{"sinkToken": []byte(" \n")}, false},
		"an empty token, and another": {map[string][]byte{"sinkToken": nil, "ca.crt": []byte("x")}, false},
		"a token under another key":   {map[string][]byte{"token": []byte("x")}, false},
	} {
		secret := &corev1.Secret{Data: c.data}
		if err := checkSinkSecret(secret); (err == nil) != c.well {
			t.Errorf("%s: %v", name, err)
		}
	}
}
