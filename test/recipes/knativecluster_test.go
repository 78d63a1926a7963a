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

// knativeCluster has Knative's broker with in-memory channels: its controller at first, then what handles events. Both at once can't be, since
// the controller and the dispatcher have the same port built in.
type knativeCluster struct {
	gitopsCluster
	ingress, filter string // ports
}

// newKnativeCluster starts nothing of Knative yet. Its parts, the operator and the subscribers find each other by their names in a
// cluster (see startServices).
func newKnativeCluster(t *testing.T, subscribers map[string]http.Handler) *knativeCluster {
	t.Helper()
	for _, port := range []string{"8080", "8443"} { // which are built in
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":"+port)
		if err != nil {
			t.Skipf("Knative can have no port but this one: %v", err)
		}
		NewWithT(t).Expect(listener.Close()).To(Succeed())
	}
	k := &knativeCluster{newGitopsCluster(t), freePort(t), freePort(t)}
	k.installKnative()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	k.Expect(controlplane.WriteKubeconfig(kubeconfig, k.plane.Config(), knativeSystem)).To(Succeed())
	startServices(t, map[string]string{
		knativeIngress: "127.0.0.1:" + k.ingress, knativeFilter: "127.0.0.1:" + k.filter, knativeChannel: "127.0.0.1:8080",
	}, subscribers)
	for name, value := range map[string]string{ // as in Knative's Deployments, but for ports
		"KUBECONFIG": kubeconfig, "SYSTEM_NAMESPACE": knativeSystem, "POD_NAME": "pod", "CONTAINER_NAME": "container", "METRICS_DOMAIN": "knative.dev/eventing",
		"CONFIG_LOGGING_NAME": "config-logging", "CONFIG_OBSERVABILITY_NAME": "config-observability",
		"MAX_IDLE_CONNS": "1000", "MAX_IDLE_CONNS_PER_HOST": "1000", "PROFILING_PORT": freePort(t),
		"INGRESS_PORT": k.ingress, "INGRESS_PORT_HTTPS": freePort(t), "FILTER_PORT": k.filter, "FILTER_PORT_HTTPS": freePort(t),
	} {
		t.Setenv(name, value)
	}
	return k
}

// handleEvents starts the dispatcher of in-memory channels and the broker's ingress and filter.
func (k *knativeCluster) handleEvents() {
	k.t.Helper()
	startTool(k.t, tool(k.t, "knative-dispatcher"), "--disable-ha")
	k.t.Setenv("NAMESPACE", knativeSystem) // would bind the dispatcher to it
	startTool(k.t, tool(k.t, "knative-ingress"))
	startTool(k.t, tool(k.t, "knative-filter"))
	for _, port := range []string{k.ingress, k.filter, "8080"} {
		k.Eventually(answers, gitopsBound).WithArguments("http://127.0.0.1:" + port + "/healthz").Should(Succeed())
	}
	channel := knativeObject("messaging.knative.dev/v1", "InMemoryChannel", "default-kne-trigger")
	k.Eventually(func() (ready []any) { // the dispatcher says so of each subscriber
		k.Expect(k.Get(k.t.Context(), client.ObjectKeyFromObject(channel), channel)).To(Succeed())
		ready, _, err := unstructured.NestedSlice(channel.Object, "status", "subscribers")
		k.Expect(err).NotTo(HaveOccurred())
		return ready
	}, gitopsBound).Should(HaveLen(2))
}

// installKnative applies Knative's CRDs, without the webhook that converts their other versions, and its settings.
func (k *knativeCluster) installKnative() {
	k.t.Helper()
	dir := moduleDir(k.t, "knative", "knative.dev/eventing")
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
