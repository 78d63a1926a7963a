// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Knative's own controller of brokers, ingress, dispatcher of in-memory channels and filter, with the sink and the Trigger of the page as they
// are, and the operator's own binary with the --allowed-hosts of the page: the subscriber has each event that the Trigger lets through,
// once, with the attributes of the page. What Knative's other controllers would write, the test writes (see configure).
func TestKnative(t *testing.T) {
	tool(t, "knative-ingress") // or skip
	publisher, all := &subscriber{}, &subscriber{}
	k := newKnativeCluster(t, map[string]http.Handler{"publisher.media.svc.cluster.local": publisher, "all.media.svc.cluster.local": all})
	newNamespace(t, k, "media")
	trigger := documented(t, "Trigger")
	everything := trigger.DeepCopy()
	everything.SetName("everything")
	unstructured.RemoveNestedField(everything.Object, "spec", "filter")
	k.Expect(unstructured.SetNestedField(everything.Object, "all", "spec", "subscriber", "ref", "name")).To(Succeed())
	for _, name := range []string{"publisher", "all"} {
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name}}
		service.Spec.Ports = []corev1.ServicePort{{Port: 80}}
		k.Expect(k.Create(t.Context(), service)).To(Succeed())
	}
	sink := said(t, `sink: (http://broker-ingress\S+)`)
	k.configure(sink, trigger, everything)
	k.handleEvents()

	lives := k.notifying(sink, said(t, `(--allowed-hosts=\S+)`))
	lives.enter("one", "running")
	lives.enter("one", "completed")
	lives.enter("two", "running")
	lives.enter("two", "failed")
	lives.enter("three", "completed")
	k.delivering(v1alpha1.ReasonDelivered)
	k.Eventually(k.waiting, gitopsBound).Should(BeEmpty())
	k.Expect(publisher.got()).To(ConsistOf("one completed", "three completed"), "the broker answers once its subscribers have")
	k.Expect(all.got()).To(ConsistOf("one running", "one completed", "two running", "two failed", "three completed"))
	for _, event := range publisher.taken() {
		k.Expect(event.source).To(Equal("/apis/studio.livepeer.org/v1alpha1/namespaces/media/livepeertasksources/main"))
		k.Expect(event.id).To(MatchRegexp("^[0-9a-f]{32}$"))
		k.Expect(event.at).To(BeTemporally("~", time.Now(), gitopsBound), "when Studio changed the task")
		k.Expect(event.data).To(And(HaveKeyWithValue("namespace", "media"), HaveKeyWithValue("id", event.subject), HaveKeyWithValue("phase", "completed")))
	}

	t.Run("no broker", func(t *testing.T) { lives.in(t).testTrouble(publisher, "no-broker", v1alpha1.ReasonSinkRefused, "404") })
	t.Run("broken broker", func(t *testing.T) {
		lives.in(t).testTrouble(publisher, "broken", v1alpha1.ReasonSinkUnavailable, "500")
	})
	t.Run("subscriber", func(t *testing.T) { lives.in(t).testSubscriber(publisher, all) })
}

// testTrouble: what a sink that is not as it should be does not take waits, and comes once, when it is.
func (l *lives) testTrouble(publisher *subscriber, broker, reason, answer string) {
	good := l.sink("")
	l.sink(strings.TrimSuffix(good, "default") + broker)
	l.enter(broker, "completed")
	l.Expect(l.delivering(reason)).To(ContainSubstring(answer))
	l.Expect(l.waiting()).To(ConsistOf(broker))
	l.sink(good)
	l.delivering(v1alpha1.ReasonDelivered)
	l.Eventually(l.waiting, gitopsBound).Should(BeEmpty())
	l.Expect(publisher.ids(broker)).To(HaveLen(1))
}

// testSubscriber: an in-memory channel answers once its subscribers have, so that one that fails holds the source up, and others have the
// event again, with the same ID.
func (l *lives) testSubscriber(publisher, all *subscriber) {
	publisher.fail(1)
	l.enter("retried", "completed")
	l.Eventually(l.waiting, gitopsBound).Should(BeEmpty())
	l.Expect(publisher.got()).To(ContainElement("retried completed"), "Knative tries again by itself")
	l.Expect(all.ids("retried")).To(HaveLen(1))

	publisher.fail(1000)
	l.enter("held-up", "completed")
	l.Expect(l.delivering(v1alpha1.ReasonSinkUnavailable)).To(ContainSubstring("did not answer within 10s"))
	l.Expect(l.waiting()).To(ConsistOf("held-up"))
	publisher.fail(0)
	l.delivering(v1alpha1.ReasonDelivered)
	l.Eventually(l.waiting, gitopsBound).Should(BeEmpty())
	ids := all.ids("held-up")
	l.Expect(len(ids)).To(BeNumerically(">", 1))
	l.Expect(append(ids, publisher.ids("held-up")...)).To(HaveEach(ids[0]))
}
