// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// Traefik itself, as a controller of Ingresses of its own class and of ingress-nginx', and of the Gateway API, before the operator's own binary,
// with the samples as they are: a webhook that is sent to the public host over TLS is there at once. So it is where the operator speaks TLS
// too, but only once the controller is told as docs/push.md says.
func TestIngressAndGateway(t *testing.T) {
	h := newTraefikCluster(t)
	stop := h.startOperator("--receiver-bind-address=" + h.receiver)
	h.receives()
	ways := []struct {
		name         string
		expose, tell func(*hooksCluster)
	}{
		{"ingress-nginx", ingressOf("nginx"), (*hooksCluster).annotateIngress},
		{"traefik", ingressOf("traefik"), (*hooksCluster).annotateService},
		{"gateway", (*hooksCluster).gateway, (*hooksCluster).policy},
	}
	for _, way := range ways {
		t.Run("plain, "+way.name, func(t *testing.T) { h.in(t).exposed(way.expose, nil) })
	}
	stop()

	certificates := h.ca.folder(t, internalName) // as cert-manager makes it
	h.startOperator("--receiver-bind-address="+h.receiver, "--receiver-cert-path="+certificates)
	h.speaksTLS()
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: controlplane.SystemNamespace, Name: receiverName}}
	asTheComponentDoes := []byte(`[{"op":"replace","path":"/spec/ports/0/appProtocol","value":"https"}]`)
	h.Expect(h.Patch(t.Context(), service, client.RawPatch("application/json-patch+json", asTheComponentDoes))).To(Succeed())
	for _, way := range ways {
		t.Run("TLS, "+way.name, func(t *testing.T) { h.in(t).exposed(way.expose, way.tell) })
	}
}

// newTraefikCluster has Traefik before the receiver, with an administrator's rights.
func newTraefikCluster(t *testing.T) *hooksCluster {
	t.Helper()
	binary := tool(t, "traefik")
	h := newHooksCluster(t)
	for module, dir := range map[string]string{
		"github.com/traefik/traefik/v3": "docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml",
		"sigs.k8s.io/gateway-api":       "config/crd/standard",
	} {
		paths := []string{filepath.Join(moduleDir(t, "traefik", module), dir)}
		_, err := envtest.InstallCRDs(h.plane.Config(), envtest.CRDInstallOptions{Paths: paths, ErrorIfPathMissing: true, MaxTime: gitopsBound})
		h.Expect(err).NotTo(HaveOccurred())
	}
	h.tlsSecret(controlplane.SystemNamespace, "hooks-example-com-tls", hooksHost)
	h.tlsSecret(controlplane.SystemNamespace, "livepeer-task-operator-receiver-certificate", internalName)
	h.tlsSecret("gateways", "public", hooksHost)
	for class, controller := range map[string]string{"nginx": "k8s.io/ingress-nginx", "traefik": "traefik.io/ingress-controller"} {
		h.apply(`{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: ` + class + `}, spec: {controller: ` + controller + `}}`)
	}
	h.apply(`{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: traefik}, spec: {controllerName: traefik.io/gateway-controller}}`)
	_, port, _ := strings.Cut(h.entry, ":")
	h.apply(`{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: public, namespace: gateways}, spec: {gatewayClassName: traefik,
		listeners: [{name: https, protocol: HTTPS, port: ` + port + `, hostname: "*.example.com", tls: {certificateRefs: [{name: public}]},
		allowedRoutes: {namespaces: {from: All}}}]}}`)

	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	h.Expect(controlplane.WriteKubeconfig(kubeconfig, h.plane.Config(), "")).To(Succeed())
	t.Setenv("KUBECONFIG", kubeconfig)                                       // it has no flag for it
	startTool(t, binary, "--entrypoints.web.address=127.0.0.1:"+freePort(t), // to which it binds what leads to TLS
		"--entrypoints.websecure.address="+h.entry, "--entrypoints.websecure.http.tls=true",
		"--providers.kubernetesingressnginx=true", "--providers.kubernetesingress=true", "--providers.kubernetesingress.ingressclass=traefik",
		"--providers.kubernetescrd=true", "--providers.kubernetesgateway=true", "--global.checknewversion=false", "--accesslog=true")
	return h
}

// exposed has webhooks come through objects that are stored for the test: at once, or only once more is told.
func (h *hooksCluster) exposed(expose, tell func(*hooksCluster)) {
	h.t.Helper()
	expose(h)
	if tell != nil {
		h.Eventually(h.send, gitopsBound, time.Second).WithArguments(h.studio.IDs()[0]).Should(MatchRegexp("^(400|5..) "), "nobody speaks TLS to the operator")
		h.t.Log("without: ", h.send(h.studio.IDs()[0]))
		tell(h)
	}
	h.reaches()
}

// apply stores an object.
func (h *hooksCluster) apply(text string) *unstructured.Unstructured {
	h.t.Helper()
	object := &unstructured.Unstructured{}
	h.Expect(yaml.Unmarshal([]byte(text), &object.Object)).To(Succeed(), text)
	h.Expect(h.plane.Apply(h.t.Context(), object)).To(Succeed(), text)
	return object
}

// sample stores an object of config/samples for the test, with a change.
func (h *hooksCluster) sample(name, old, changed string) {
	h.t.Helper()
	raw, err := os.ReadFile("../../config/samples/" + name)
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(string(raw)).To(ContainSubstring(old))
	object := h.apply(strings.Replace(string(raw), old, changed, 1))
	h.t.Cleanup(func() { h.Expect(h.Delete(context.WithoutCancel(h.t.Context()), object)).To(Succeed()) })
}

// ingressOf is the sample with a class; as it is, it has that of ingress-nginx.
func ingressOf(class string) func(*hooksCluster) {
	return func(h *hooksCluster) { h.sample("ingress.yaml", "ingressClassName: nginx", "ingressClassName: "+class) }
}

func (h *hooksCluster) gateway() { h.sample("httproute.yaml", "", "") }

func (h *hooksCluster) annotateIngress() { h.kubectl("annotate ingress") }

func (h *hooksCluster) annotateService() {
	h.apply(h.onPage("kind: ServersTransport"))
	h.kubectl("annotate service")
}

func (h *hooksCluster) policy() {
	h.kubectl("create configmap")
	h.apply(h.onPage("kind: BackendTLSPolicy"))
}

// onPage is the block of docs/push.md that has a text.
func (h *hooksCluster) onPage(text string) string { return blockOf(h.t, "push.md", text) }

// blockOf is the first block of a page in docs that has a text.
func blockOf(t *testing.T, page, text string) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/" + page)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, block := range regexp.MustCompile("(?ms)^ *```(?:yaml)?\n(.*?\n) *```$").FindAllStringSubmatch(string(raw), -1) {
		if strings.Contains(block[1], text) {
			return block[1]
		}
	}
	t.Fatal("docs/", page, " has no ", text)
	return ""
}

// kubectl runs a command of the page, beside ca.crt.
func (h *hooksCluster) kubectl(command string) {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), "sh", "-c", h.onPage(command))
	cmd.Dir = h.t.TempDir()
	h.Expect(os.WriteFile(filepath.Join(cmd.Dir, "ca.crt"), h.ca.pem, 0o600)).To(Succeed())
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(h.plane.Kubectl())+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	h.Expect(err).NotTo(HaveOccurred(), string(out))
}
