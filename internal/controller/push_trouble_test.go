// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestDeliveriesInAnyOrder: dropped, doubled, reversed or delayed, and whatever they say: the mirror is as right as with
// polling alone.
func TestDeliveriesInAnyOrder(t *testing.T) {
	t.Parallel()
	p := pushing(t, 60, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Interval = metav1.Duration{Duration: time.Second} })
	random := rand.New(rand.NewPCG(1, 2))
	ids := p.studio.IDs()
	var held [][]byte
	var group sync.WaitGroup
	for n := range 300 {
		id := ids[random.IntN(len(ids))]
		p.studio.Update(id, func(task livepeertest.Task) {
			phase := []string{"waiting", "running", "completed", "failed"}[random.IntN(4)]
			task["status"] = map[string]any{"phase": phase, "updatedAt": time.Now().UnixMilli() + int64(n)}
		})
		event := p.event(id)
		switch random.IntN(5) {
		case 0: // lost
		case 1: // delayed
			held = append(held, event)
		case 2: // doubled, at once
			for range 2 {
				group.Go(func() { p.deliver(event) })
			}
		default:
			p.Expect(p.deliver(event)).To(Equal(http.StatusAccepted))
		}
	}
	for _, event := range slices.Backward(held) {
		p.Expect(p.deliver(event)).To(Equal(http.StatusAccepted))
	}
	group.Wait()
	p.eventuallyEqual()
	p.resync("main", "and a full sync finds nothing else")
	p.Expect(p.mirroredStates()).To(Equal(p.states()))
}

// TestWebhookSecretIsRotated: the new one counts at once, and the old one no more. One that can't be used is a condition and an
// Event, not the end of polling.
func TestWebhookSecretIsRotated(t *testing.T) {
	t.Parallel()
	p := pushing(t, 60)
	id := p.aTask("running")
	const another = "another-secret-of-32-characters!"
	p.hookSecret(another + "\n")
	p.Eventually(func() int { return p.deliver(p.event(id), another) }, soon, tick).Should(Equal(http.StatusAccepted))
	p.Expect(p.deliver(p.event(id))).To(Equal(http.StatusUnauthorized))

	p.hookSecret("too-short")
	p.noPath("main")
	p.eventuallyReady("main", v1alpha1.ReasonSynced)
	p.Expect(p.receiving("main", v1alpha1.ReasonInvalidWebhookSecret)).To(And(HaveField("Status", metav1.ConditionFalse),
		HaveField("Message", ContainSubstring("shorter than 16 characters")), HaveField("Message", Not(ContainSubstring("too-short")))))
	p.Expect(p.deliver(p.event(id), "too-short")).To(Equal(http.StatusUnauthorized))
	p.Eventually(p.warnings, soon, tick).Should(ConsistOf(HavePrefix("InvalidWebhookSecret: webhookSecret in Secret \"livepeer\"")))
	p.Expect(p.warnings()[0]).NotTo(ContainSubstring("too-short"))
	p.hookSecret(hookSecret)
	p.path("main")
	p.Expect(p.receiving("main", v1alpha1.ReasonListening).Status).To(Equal(metav1.ConditionTrue))
	p.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Suspend = true })
	p.Eventually(func() []metav1.Condition { return p.getSource("main").Status.Conditions }, soon, tick).
		ShouldNot(ContainElement(HaveField("Type", v1alpha1.ConditionReceiving)))
}

// receiving waits until the source's condition Receiving has this reason, and returns it.
func (p *pushed) receiving(source, reason string) *metav1.Condition {
	p.t.Helper()
	return p.eventually(source, v1alpha1.ConditionReceiving, reason)
}

// TestASharedSecretIsOneSources: what is signed for one source is not taken for another that has the same secret, neither
// after a restart nor in a Secret of its own; and the younger has its webhooks once the secret is its own.
func TestASharedSecretIsOneSources(t *testing.T) {
	t.Parallel()
	p := pushing(t, 10)
	id := p.studio.IDs()[0]
	own := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "own"},
		StringData: map[string]string{"apiKey": "key-of-another-project", "webhookSecret": hookSecret},
	}
	p.studio.AddKey("key-of-another-project", "another-project")
	p.Expect(p.client.Create(p.ctx, own)).To(Succeed())
	for name, secret := range map[string]string{"second": "own", "third": "livepeer"} {
		p.source(name, func(spec *v1alpha1.LivepeerTaskSourceSpec) {
			spec.SecretRef.Name, spec.Types, spec.Interval.Duration = secret, []string{name}, time.Hour
		})
	}
	to := func(source, secret string) int {
		return deliver(p.ctx, "http://"+p.address+"/hooks/"+p.namespace+"/"+source, p.event(id), secret)
	}
	for range 2 {
		for _, source := range []string{"second", "third"} {
			shared := p.receiving(source, v1alpha1.ReasonSharedWebhookSecret)
			p.Expect(shared.Message).To(ContainSubstring(`LivepeerTaskSource "main" has the same webhookSecret, and had it first`))
			p.Expect(p.getSource(source).Status.Receiver).To(BeNil())
		}
		p.eventuallyReady("second", v1alpha1.ReasonSynced) // by polling
		p.push(id)
		for _, source := range []string{"second", "third"} {
			p.Eventually(func() int {
				answer := to(source, hookSecret)
				p.Expect(answer).NotTo(Equal(http.StatusAccepted), "nor before it is known whose the secret is")
				return answer
			}, soon, tick).Should(Equal(http.StatusUnauthorized))
		}
		p.stop()
		p.start()
	}
	p.push(id)
	const another = "another-secret-of-32-characters!"
	p.Expect(p.client.Get(p.ctx, client.ObjectKeyFromObject(own), own)).To(Succeed())
	own.StringData = map[string]string{"webhookSecret": another}
	p.Expect(p.client.Update(p.ctx, own)).To(Succeed())
	p.receiving("second", v1alpha1.ReasonListening)
	p.Expect(to("second", another)).To(Equal(http.StatusAccepted))
	p.Expect(p.client.Delete(p.ctx, p.getSource("main"))).To(Succeed())
	p.receiving("third", v1alpha1.ReasonListening)
	p.Expect(to("third", hookSecret)).To(Equal(http.StatusAccepted))
}

// warnings are the Events on the source.
func (p *pushed) warnings() []string {
	p.t.Helper()
	list := &eventsv1.EventList{}
	p.Expect(p.client.List(p.ctx, list, client.InNamespace(p.namespace))).To(Succeed())
	var notes []string
	for _, event := range list.Items {
		if event.Type == "Warning" && event.Regarding.Kind == "LivepeerTaskSource" && event.Regarding.UID == p.getSource("main").UID {
			notes = append(notes, event.Reason+": "+event.Note)
		}
	}
	return notes
}

// TestAWrongClockIsAnEvent: genuine deliveries that are refused because of their time would be lost in silence.
func TestAWrongClockIsAnEvent(t *testing.T) {
	t.Parallel()
	p := pushing(t, 10)
	id := p.aTask("completed")
	late := fmt.Appendf(nil, `{"id":"e","timestamp":%d,"event":"task.updated","payload":{"task":{"id":%q}}}`,
		time.Now().Add(-time.Hour).UnixMilli(), id)
	for range 10 {
		p.Expect(p.deliver(late)).To(Equal(http.StatusUnauthorized))
	}
	p.Eventually(p.warnings, soon, tick).Should(ConsistOf(HavePrefix("StaleWebhooks: ")))
}

// TestAFreshLeaderRefusesNothing: while it starts, a genuine delivery is answered with 503 or taken in, never refused.
func TestAFreshLeaderRefusesNothing(t *testing.T) {
	t.Parallel()
	p := pushing(t, 60)
	id := p.aTask("running")
	p.stop()
	p.studio.Update(id, completed)
	p.start()
	answers := map[int]int{}
	p.Eventually(func() map[int]int {
		answers[p.deliver(p.event(id))]++
		return answers
	}, soon, time.Millisecond).Should(HaveKey(http.StatusAccepted))
	delete(answers, 0) // not listening yet
	delete(answers, http.StatusServiceUnavailable)
	p.Expect(answers).To(HaveLen(1), "%v", answers)
	p.Eventually(p.phase(id), soon, tick).Should(Equal("completed"))
}
