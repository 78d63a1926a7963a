// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// configure has the broker's own controller make a broker and Triggers ready, and another broker that can't be. What other controllers
// would do, it does: that of in-memory channels, that of Subscriptions, and the webhook that fills in brokers and Triggers.
func (k *knativeCluster) configure(sink string, triggers ...*unstructured.Unstructured) {
	k.t.Helper()
	for _, name := range []string{"broker-ingress", "broker-filter"} { // the controller looks whether they run
		k.Expect(k.Create(k.t.Context(), &corev1.Endpoints{ //nolint:staticcheck // it reads no EndpointSlices
			ObjectMeta: metav1.ObjectMeta{Namespace: knativeSystem, Name: name},
			Subsets:    []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: "192.0.2.1"}}}}, //nolint:staticcheck // as above
		})).To(Succeed())
	}
	stop := startTool(k.t, tool(k.t, "knative-broker"), "--disable-ha")
	k.addBroker("default", "config-br-default-channel")
	k.addBroker("broken", "not-there")
	channel := knativeObject("messaging.knative.dev/v1", "InMemoryChannel", "default-kne-trigger")
	k.Eventually(func() error { return k.Get(k.t.Context(), client.ObjectKeyFromObject(channel), channel) }, gitopsBound).Should(Succeed())
	k.setStatus(channel, map[string]any{"address": map[string]any{"url": "http://" + knativeChannel}})
	broker := knativeObject("eventing.knative.dev/v1", "Broker", "default")
	k.Eventually(k.ready, gitopsBound).WithArguments(broker).Should(Equal("True"))
	for _, trigger := range triggers {
		trigger.SetLabels(map[string]string{"eventing.knative.dev/broker": "default"}) // as the webhook does
		k.Expect(k.Create(k.t.Context(), trigger)).To(Succeed())
	}
	k.subscribe(channel, len(triggers))
	for _, trigger := range triggers {
		k.Eventually(k.ready, gitopsBound).WithArguments(trigger).Should(Equal("True"))
	}
	address, _, err := unstructured.NestedString(broker.Object, "status", "address", "url")
	k.Expect(err).NotTo(HaveOccurred())
	k.Expect(address).To(Equal(sink), "the page says that it is there")
	k.Eventually(k.ready, gitopsBound).WithArguments(knativeObject("eventing.knative.dev/v1", "Broker", "broken")).Should(Equal("False"))
	stop()
}

// addBroker stores a broker with what the webhook fills in: the class, and what config-br-defaults says.
func (k *knativeCluster) addBroker(name, config string) {
	k.t.Helper()
	broker := knativeObject("eventing.knative.dev/v1", "Broker", name)
	broker.SetAnnotations(map[string]string{"eventing.knative.dev/broker.class": "MTChannelBasedBroker"})
	broker.Object["spec"] = map[string]any{
		"config":   map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "namespace": knativeSystem, "name": config},
		"delivery": map[string]any{"retry": int64(10), "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"},
	}
	k.Expect(k.Create(k.t.Context(), broker)).To(Succeed())
}

// subscribe waits for n Subscriptions, puts them into their channel and says that they are ready.
func (k *knativeCluster) subscribe(channel *unstructured.Unstructured, n int) {
	k.t.Helper()
	subscriptions := &unstructured.UnstructuredList{}
	subscriptions.SetGroupVersionKind(schema.GroupVersionKind{Group: "messaging.knative.dev", Version: "v1", Kind: "Subscription"})
	k.Eventually(func() []unstructured.Unstructured {
		k.Expect(k.List(k.t.Context(), subscriptions, client.InNamespace("media"))).To(Succeed())
		return subscriptions.Items
	}, gitopsBound).Should(HaveLen(n))
	subscribers := []any{}
	for i := range subscriptions.Items {
		subscription := &subscriptions.Items[i]
		spec := subscription.Object["spec"].(map[string]any)
		k.Expect(spec["channel"]).To(HaveKeyWithValue("name", channel.GetName()))
		k.Expect(spec["reply"]).To(HaveKeyWithValue("ref", HaveKeyWithValue("name", "default")))
		subscribers = append(subscribers, map[string]any{
			"uid": string(subscription.GetUID()), "generation": subscription.GetGeneration(), "delivery": spec["delivery"],
			"subscriberUri": spec["subscriber"].(map[string]any)["uri"], "replyUri": "http://" + knativeIngress + "/media/default",
		})
		k.setStatus(subscription, map[string]any{})
	}
	k.Expect(k.Get(k.t.Context(), client.ObjectKeyFromObject(channel), channel)).To(Succeed())
	k.Expect(unstructured.SetNestedSlice(channel.Object, subscribers, "spec", "subscribers")).To(Succeed())
	k.Expect(k.Update(k.t.Context(), channel)).To(Succeed())
	k.setStatus(channel, map[string]any{"address": map[string]any{"url": "http://" + knativeChannel}})
}

// setStatus writes the status of an object that is ready.
func (k *knativeCluster) setStatus(object *unstructured.Unstructured, status map[string]any) {
	k.t.Helper()
	k.Eventually(func() error {
		k.Expect(k.Get(k.t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
		status["observedGeneration"] = object.GetGeneration()
		status["conditions"] = []any{map[string]any{"type": "Ready", "status": "True"}}
		object.Object["status"] = status
		return k.Status().Update(k.t.Context(), object)
	}, gitopsBound).Should(Succeed())
}

// ready is the status of an object's condition Ready.
func (k *knativeCluster) ready(object *unstructured.Unstructured) string {
	k.Expect(k.Get(k.t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
	conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	k.Expect(err).NotTo(HaveOccurred())
	for _, condition := range conditions {
		if c := condition.(map[string]any); c["type"] == "Ready" {
			return c["status"].(string)
		}
	}
	return ""
}

func knativeObject(version, kind, name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": version, "kind": kind, "spec": map[string]any{}}}
	object.SetNamespace("media")
	object.SetName(name)
	return object
}
