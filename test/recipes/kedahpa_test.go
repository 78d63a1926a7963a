// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// KEDA's operator and its server of metrics, and Kubernetes' own controllers: with the page's objects as they are, but for the host in the
// URL and the times, the token comes by itself, the HPA scales from one replica on by the metric, and the greatest of two triggers counts.
func TestKEDAScalesBeyondOne(t *testing.T) {
	k := newScalingCluster(t)
	k.start(k.authorities())
	k.storeWorkers()
	source := newSource(t, k, "media")
	k.running(source, 35)
	for _, kind := range []string{"ServiceAccount", "RoleBinding", "TriggerAuthentication", "Secret"} {
		k.Expect(k.plane.Apply(t.Context(), lastOf(t, "keda.md", kind))).To(Succeed())
	}
	k.Eventually(func() []byte {
		secret := &corev1.Secret{}
		k.Expect(k.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "livepeer-scaler"}, secret)).To(Succeed())
		return secret.Data["token"]
	}, gitopsBound).ShouldNot(BeEmpty())
	scaled := k.scaledObject()
	k.Expect(k.plane.Apply(t.Context(), scaled.DeepCopy())).To(Succeed())
	k.Eventually(k.replicas, gitopsBound).Should(Equal(int32(4)), "one for each 10 tasks")
	k.running(source, 95)
	k.Eventually(k.replicas, gitopsBound).Should(Equal(int32(10)))

	k.Expect(k.plane.Apply(t.Context(), withWaiting(scaled))).To(Succeed())
	source.Status.Tasks.Waiting = 120
	k.running(source, 95)
	k.Eventually(k.replicas, gitopsBound).Should(Equal(int32(12)), "the greater of both, not the sum")
	source.Status.Tasks.Waiting = 0
	k.running(source, 0)
	k.Eventually(k.replicas, gitopsBound).Should(BeZero())
}

// withWaiting adds the trigger that the page speaks of.
func withWaiting(scaled *unstructured.Unstructured) *unstructured.Unstructured {
	triggers := scaled.Object["spec"].(map[string]any)["triggers"].([]any)
	waiting := (&unstructured.Unstructured{Object: triggers[0].(map[string]any)}).DeepCopy().Object
	waiting["metadata"].(map[string]any)["valueLocation"] = "status.tasks.waiting"
	scaled.Object["spec"].(map[string]any)["triggers"] = append(triggers, waiting)
	return scaled
}

// newScalingCluster has Kubernetes' own controllers, as far as they are needed, and KEDA's server of metrics.
func newScalingCluster(t *testing.T) *kedaCluster {
	t.Helper()
	manager, adapter := tool(t, "kube-controller-manager"), tool(t, "keda-adapter")
	front, ca := newAuthority(t), newAuthority(t)
	proxy := front.folder(t, "front-proxy")
	k := installKEDA(t, ca, map[string]string{ // as a cluster has them, so that its API server may ask others in somebody's name
		"requestheader-client-ca-file": filepath.Join(proxy, "ca.crt"), "requestheader-allowed-names": "front-proxy",
		"proxy-client-cert-file": filepath.Join(proxy, "tls.crt"), "proxy-client-key-file": filepath.Join(proxy, "tls.key"),
		"requestheader-username-headers": "X-Remote-User", "requestheader-group-headers": "X-Remote-Group",
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
	})
	admin, root := filepath.Join(t.TempDir(), "kubeconfig"), filepath.Join(t.TempDir(), "ca.crt")
	k.Expect(controlplane.WriteKubeconfig(admin, k.plane.Config(), "")).To(Succeed())
	k.Expect(os.WriteFile(root, k.plane.Config().CAData, 0o600)).To(Succeed())
	startTool(t, manager, "--kubeconfig="+admin, "--use-service-account-credentials", "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port="+freePort(t),
		"--service-account-private-key-file="+k.plane.SigningKey(), "--root-ca-file="+root, "--horizontal-pod-autoscaler-sync-period=1s",
		"--controllers=horizontal-pod-autoscaler-controller,deployment-controller,replicaset-controller,serviceaccount-controller,"+
			"serviceaccount-token-controller,root-ca-certificate-publisher-controller")

	port := freePort(t)
	number, err := strconv.ParseInt(port, 10, 64)
	k.Expect(err).NotTo(HaveOccurred())
	dir := moduleDir(t, "keda-operator", "github.com/kedacore/keda/v2") + "/config"
	for _, name := range []string{"role", "role_binding", "api_service"} {
		objects := k.manifests(dir + "/metrics-server/" + name + ".yaml")
		for _, object := range objects {
			if object.GetKind() == "APIService" { // the operator would write the authority
				k.Expect(unstructured.SetNestedField(object.Object, base64.StdEncoding.EncodeToString(ca.pem), "spec", "caBundle")).To(Succeed())
				k.Expect(unstructured.SetNestedField(object.Object, number, "spec", "service", "port")).To(Succeed())
			}
		}
		k.Expect(k.plane.Apply(t.Context(), objects...)).To(Succeed())
	}
	k.Expect(k.Create(t.Context(), &corev1.Service{ // of this name, elsewhere
		ObjectMeta: metav1.ObjectMeta{Namespace: "keda", Name: "keda-metrics-apiserver"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	})).To(Succeed())
	kubeconfig := k.kubeconfig()
	t.Setenv("KUBECONFIG", kubeconfig)
	certificates := []string{"--client-ca-file=" + k.certificates + "/ca.crt", "--tls-cert-file=" + k.certificates + "/tls.crt",
		"--tls-private-key-file=" + k.certificates + "/tls.key", "--cert-dir=" + k.certificates}
	startTool(t, adapter, append(certificates, "--secure-port="+port, "--bind-address=127.0.0.1", "--port="+freePort(t), "--metrics-service-address="+k.metrics,
		"--lister-kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig)...)
	return k
}

// authorities is a folder of what KEDA's operator finds in /custom/ca, once it is patched as the page says.
func (k *kedaCluster) authorities() string {
	k.t.Helper()
	dir := moduleDir(k.t, "keda-operator", "github.com/kedacore/keda/v2") + "/config"
	for _, object := range k.manifests(dir + "/manager/manager.yaml") {
		if object.GetKind() == "Deployment" {
			k.Expect(unstructured.SetNestedField(object.Object, int64(0), "spec", "replicas")).To(Succeed())
			k.Expect(k.plane.Apply(k.t.Context(), object)).To(Succeed())
		}
	}
	page, err := os.ReadFile("../../docs/recipes/keda.md")
	k.Expect(err).NotTo(HaveOccurred())
	command := regexp.MustCompile("(?ms)^```\n(kubectl -n keda patch .*?\n)```$").FindStringSubmatch(string(page))
	k.Expect(command).To(HaveLen(2))
	kubeconfig := filepath.Join(k.t.TempDir(), "kubeconfig")
	k.Expect(controlplane.WriteKubeconfig(kubeconfig, k.plane.Config(), "")).To(Succeed())
	patch := exec.CommandContext(k.t.Context(), "sh", "-c", command[1])
	patch.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+filepath.Dir(k.plane.Kubectl())+":"+os.Getenv("PATH"))
	out, err := patch.CombinedOutput()
	k.Expect(err).NotTo(HaveOccurred(), string(out))

	deployment := &appsv1.Deployment{}
	k.Expect(k.Get(k.t.Context(), client.ObjectKey{Namespace: "keda", Name: "keda-operator"}, deployment)).To(Succeed())
	pod := deployment.Spec.Template.Spec
	mounts := map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		mounts[mount.MountPath] = mount.Name
	}
	k.Expect(mounts).To(And(HaveKey("/custom/ca"), HaveKey("/certs")))
	found := &corev1.ConfigMap{}
	for _, volume := range pod.Volumes {
		if volume.Name == mounts["/custom/ca"] {
			key := client.ObjectKey{Namespace: "keda", Name: volume.ConfigMap.Name}
			k.Eventually(func() error { return k.Get(k.t.Context(), key, found) }, gitopsBound).Should(Succeed())
		}
	}
	k.Expect(found.Data).NotTo(BeEmpty())
	folder := k.t.TempDir()
	for name, content := range found.Data {
		k.Expect(os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600)).To(Succeed())
	}
	return folder
}
