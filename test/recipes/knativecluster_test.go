// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// Names as Knative gives them.
const (
	knativeSystem  = "knative-eventing"
	knativeFilter  = "broker-filter.knative-eventing.svc.cluster.local"
	knativeIngress = "broker-ingress.knative-eventing.svc.cluster.local"
	knativeChannel = "default-kne-trigger-kn-channel.media.svc.cluster.local"
)

// knativeCluster has what handles events in Knative's broker, and none of its controllers: what those write, the test does.
type knativeCluster struct {
	gitopsCluster
	subscriptions []any // of the broker's channel
}

// newKnativeCluster starts the broker's ingress and filter and the dispatcher of in-memory channels. They, the operator and the subscribers
// find each other by their names in a cluster (see startServices).
func newKnativeCluster(t *testing.T, subscribers map[string]http.Handler) *knativeCluster {
	t.Helper()
	for _, port := range []string{"8080", "8443"} { // which are built into the dispatcher
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":"+port)
		if err != nil {
			t.Skipf("Knative's dispatcher can have no port but this one: %v", err)
		}
		NewWithT(t).Expect(listener.Close()).To(Succeed())
	}
	k := &knativeCluster{gitopsCluster: newGitopsCluster(t)}
	k.installKnative()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	k.Expect(controlplane.WriteKubeconfig(kubeconfig, k.plane.Config(), knativeSystem)).To(Succeed())
	ingress, filter := freePort(t), freePort(t)
	startServices(t, map[string]string{
		knativeIngress: "127.0.0.1:" + ingress, knativeFilter: "127.0.0.1:" + filter, knativeChannel: "127.0.0.1:8080",
	}, subscribers)
	for name, value := range map[string]string{ // as in Knative's Deployments, but for ports
		"KUBECONFIG": kubeconfig, "SYSTEM_NAMESPACE": knativeSystem, "POD_NAME": "pod", "CONTAINER_NAME": "container", "METRICS_DOMAIN": "knative.dev/eventing",
		"CONFIG_LOGGING_NAME": "config-logging", "CONFIG_OBSERVABILITY_NAME": "config-observability",
		"MAX_IDLE_CONNS": "1000", "MAX_IDLE_CONNS_PER_HOST": "1000", "PROFILING_PORT": freePort(t),
		"INGRESS_PORT": ingress, "INGRESS_PORT_HTTPS": freePort(t), "FILTER_PORT": filter, "FILTER_PORT_HTTPS": freePort(t),
	} {
		t.Setenv(name, value)
	}
	startTool(t, tool(t, "knative-dispatcher"), "--disable-ha")
	t.Setenv("NAMESPACE", knativeSystem) // would bind the dispatcher to it
	startTool(t, tool(t, "knative-ingress"))
	startTool(t, tool(t, "knative-filter"))
	for _, port := range []string{ingress, filter, "8080"} {
		k.Eventually(answers, gitopsBound).WithArguments("http://127.0.0.1:" + port + "/healthz").Should(Succeed())
	}
	return k
}

// installKnative applies Knative's CRDs, without the webhook that converts their other versions, and its settings.
func (k *knativeCluster) installKnative() {
	k.t.Helper()
	dir := moduleDir(k.t, "knative.dev/eventing@v0.48.2")
	crds := envtest.CRDInstallOptions{
		Paths:              []string{dir + "/config/core/resources", dir + "/config/channels/in-memory-channel/resources"},
		ErrorIfPathMissing: true,
	}
	k.Expect(envtest.ReadCRDFiles(&crds)).To(Succeed())
	for _, crd := range crds.CRDs {
		crd.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.NoneConverter}
	}
	_, err := envtest.InstallCRDs(k.plane.Config(), envtest.CRDInstallOptions{CRDs: crds.CRDs, MaxTime: 2 * time.Minute})
	k.Expect(err).NotTo(HaveOccurred())
	newNamespace(k.t, k, knativeSystem)
	settings, err := filepath.Glob(dir + "/config/core/configmaps/*.yaml")
	k.Expect(err).NotTo(HaveOccurred())
	k.Expect(settings).NotTo(BeEmpty())
	for _, path := range settings {
		raw, err := os.ReadFile(path)
		k.Expect(err).NotTo(HaveOccurred())
		object := &unstructured.Unstructured{}
		k.Expect(yaml.Unmarshal(raw, &object.Object)).To(Succeed())
		k.Expect(k.plane.Apply(k.t.Context(), object)).To(Succeed())
	}
}

// addBroker stores a broker and, where it has a channel, what Knative's controllers would write of it.
func (k *knativeCluster) addBroker(name, channel string) {
	k.t.Helper()
	broker := knativeObject("eventing.knative.dev/v1", "Broker", name)
	broker.SetAnnotations(map[string]string{"eventing.knative.dev/broker.class": "MTChannelBasedBroker"})
	status := map[string]any{"address": map[string]any{"url": "http://" + knativeIngress + "/media/" + name}}
	if channel != "" {
		status["annotations"] = map[string]any{"knative.dev/channelAddress": channel}
	}
	k.Expect(k.Create(k.t.Context(), broker)).To(Succeed())
	k.setStatus(broker, status)
}

// subscribe stores a Trigger and does what Knative's controllers would: it resolves the subscriber, and subscribes the broker's filter
// to the broker's channel, with the settings of a broker that names none (config-br-defaults).
func (k *knativeCluster) subscribe(trigger *unstructured.Unstructured, subscriber string) {
	k.t.Helper()
	k.Expect(k.Create(k.t.Context(), trigger)).To(Succeed())
	k.setStatus(trigger, map[string]any{"subscriberUri": subscriber})
	k.subscriptions = append(k.subscriptions, map[string]any{
		"uid": string(trigger.GetUID()), "generation": trigger.GetGeneration(), "replyUri": "http://" + knativeIngress + "/media/default",
		"subscriberUri": "http://" + knativeFilter + "/triggers/media/" + trigger.GetName() + "/" + string(trigger.GetUID()),
		"delivery":      map[string]any{"retry": int64(10), "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"},
	})
	channel := knativeObject("messaging.knative.dev/v1", "InMemoryChannel", "default-kne-trigger")
	k.Expect(client.IgnoreAlreadyExists(k.Create(k.t.Context(), channel))).To(Succeed())
	k.Eventually(func() error { // the dispatcher writes to it as well
		k.Expect(k.Get(k.t.Context(), client.ObjectKeyFromObject(channel), channel)).To(Succeed())
		k.Expect(unstructured.SetNestedSlice(channel.Object, k.subscriptions, "spec", "subscribers")).To(Succeed())
		return k.Update(k.t.Context(), channel)
	}, gitopsBound).Should(Succeed())
	k.setStatus(channel, map[string]any{"address": map[string]any{"url": "http://" + knativeChannel}})
	k.Eventually(func() []any { // the dispatcher says of each that it is ready
		k.Expect(k.Get(k.t.Context(), client.ObjectKeyFromObject(channel), channel)).To(Succeed())
		ready, _, err := unstructured.NestedSlice(channel.Object, "status", "subscribers")
		k.Expect(err).NotTo(HaveOccurred())
		return ready
	}, gitopsBound).Should(HaveLen(len(k.subscriptions)))
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

func knativeObject(version, kind, name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": version, "kind": kind, "spec": map[string]any{}}}
	object.SetNamespace("media")
	object.SetName(name)
	return object
}
