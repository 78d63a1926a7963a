// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// KEDA's own operator, with the rights of its own manifests and the page's objects: a token that is refused, and a role that is taken away,
// change no replicas and are told of; else tasks that run start a replica, and none stop it. An HPA is to do what lies between. Of the
// page's ScaledObject the host in the URL is changed, and its times are short. The Secret is filled by hand, as a cluster does.
func TestKEDAOperator(t *testing.T) {
	k := newKEDACluster(t)
	k.storeWorkers()
	source := newSource(t, k, "media")
	k.running(source, 7)
	k.Expect(k.plane.Apply(t.Context(), lastOf(t, "keda.md", "ServiceAccount"), lastOf(t, "keda.md", "RoleBinding"),
		lastOf(t, "keda.md", "TriggerAuthentication"))).To(Succeed())
	account, err := k.plane.ServiceAccountConfig(t.Context(), "media", "livepeer-scaler")
	k.Expect(err).NotTo(HaveOccurred())
	k.fill("wrong")
	scaled := k.scaledObject()
	path := strings.SplitN(triggerOf(t, scaled)["url"].(string), "/apis/", 2)[1]
	k.Expect(k.plane.Apply(t.Context(), scaled)).To(Succeed())

	k.Eventually(k.condition, gitopsBound).WithArguments("Ready").Should(Equal("False TriggerError"))
	k.Eventually(k.failures, gitopsBound).Should(ContainElement("error requesting metrics endpoint: /apis/" + path + ": api returned 401"))
	k.Consistently(k.replicas, 3*time.Second).Should(BeZero())

	k.fill(account.BearerToken)
	k.Eventually(k.replicas, gitopsBound).Should(Equal(int32(1)))
	k.Eventually(k.condition, gitopsBound).WithArguments("Ready").Should(Equal("True ScaledObjectReady"))
	k.Expect(k.condition("Active")).To(Equal("True ScalerActive"))
	k.testHPA()

	binding := lastOf(t, "keda.md", "RoleBinding")
	k.Expect(k.Delete(t.Context(), binding.DeepCopy())).To(Succeed())
	k.Eventually(k.condition, gitopsBound).WithArguments("Ready").Should(Equal("False TriggerError"))
	k.Eventually(k.failures, gitopsBound).Should(ContainElement(HaveSuffix("api returned 403")))
	k.Consistently(k.replicas, 5*time.Second).Should(Equal(int32(1)), "longer than cooldownPeriod")
	k.Expect(k.plane.Apply(t.Context(), binding)).To(Succeed())
	k.Eventually(k.condition, gitopsBound).WithArguments("Ready").Should(Equal("True ScaledObjectReady"))

	k.running(source, 0)
	k.Eventually(k.replicas, gitopsBound).Should(BeZero())
	k.Expect(k.condition("Ready")).To(Equal("True ScaledObjectReady"))
}

// kedaCluster has KEDA's operator.
type kedaCluster struct {
	gitopsCluster
	certificates string // folder
	metrics      string // address of what the operator tells its server of metrics
}

func newKEDACluster(t *testing.T) *kedaCluster {
	t.Helper()
	k := installKEDA(t, newAuthority(t), nil)
	authorities := t.TempDir()
	k.Expect(os.WriteFile(filepath.Join(authorities, "ca.crt"), k.plane.Config().CAData, 0o600)).To(Succeed())
	k.start(authorities)
	return k
}

// installKEDA applies KEDA's own manifests but for the pods. Its parts speak to each other with certificates of the authority.
func installKEDA(t *testing.T, ca *authority, flags map[string]string) *kedaCluster {
	t.Helper()
	tool(t, "keda-operator") // or skip
	k := &kedaCluster{
		gitopsCluster: newClusterWith(t, flags), metrics: "127.0.0.1:" + freePort(t),
		certificates: ca.folder(t, "127.0.0.1", "keda-metrics-apiserver.keda.svc"),
	}
	dir := moduleDir(t, "keda-operator", "github.com/kedacore/keda/v2") + "/config"
	crds := envtest.CRDInstallOptions{Paths: []string{dir + "/crd/bases"}, ErrorIfPathMissing: true, MaxTime: gitopsBound}
	_, err := envtest.InstallCRDs(k.plane.Config(), crds)
	k.Expect(err).NotTo(HaveOccurred())
	k.Expect(k.plane.Install(t.Context())).To(Succeed())
	newNamespace(t, k, "keda")
	newNamespace(t, k, "media")
	for _, name := range []string{"service_account/service_account", "rbac/role", "rbac/role_binding"} {
		k.Expect(k.plane.Apply(t.Context(), k.manifests(dir+"/"+name+".yaml")...)).To(Succeed())
	}
	t.Setenv("WATCH_NAMESPACE", "")
	t.Setenv("POD_NAMESPACE", "keda")
	t.Setenv("KEDA_CLUSTER_OBJECT_NAMESPACE", "keda") // which it reads from its pod else
	return k
}

// manifests are the objects of a file.
func (k *kedaCluster) manifests(path string) (objects []*unstructured.Unstructured) {
	k.t.Helper()
	text, err := os.ReadFile(path)
	k.Expect(err).NotTo(HaveOccurred())
	for document := range strings.SplitSeq(strings.TrimPrefix(string(text), "---\n"), "\n---\n") {
		object := &unstructured.Unstructured{}
		k.Expect(yaml.Unmarshal([]byte(document), &object.Object)).To(Succeed())
		objects = append(objects, object)
	}
	return objects
}

// start runs the operator, which trusts the authorities in a folder.
func (k *kedaCluster) start(authorities string) {
	k.t.Helper()
	startTool(k.t, tool(k.t, "keda-operator"), "--kubeconfig="+k.kubeconfig(), "--ca-dir="+authorities, "--cert-dir="+k.certificates,
		"--metrics-bind-address=0", "--health-probe-bind-address=0", "--metrics-service-bind-address="+k.metrics)
}

// kubeconfig is a file that gives KEDA's rights.
func (k *kedaCluster) kubeconfig() string {
	k.t.Helper()
	account, err := k.plane.ServiceAccountConfig(k.t.Context(), "keda", "keda-operator")
	k.Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(k.t.TempDir(), "kubeconfig")
	k.Expect(controlplane.WriteKubeconfig(path, account, "keda")).To(Succeed())
	return path
}

// storeWorkers stores the Deployment that is to be scaled.
func (k *kedaCluster) storeWorkers() {
	k.t.Helper()
	none, labels := int32(0), map[string]string{"app": "transcode-followers"}
	k.Expect(k.Create(k.t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "transcode-followers"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &none, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "worker", Image: "example.com/worker"}}},
			},
		},
	})).To(Succeed())
}

// scaledObject is the page's, with an address for its host and with short times.
func (k *kedaCluster) scaledObject() *unstructured.Unstructured {
	k.t.Helper()
	scaled := lastOf(k.t, "keda.md", "ScaledObject")
	metadata := triggerOf(k.t, scaled)
	api, err := url.Parse(k.plane.Config().Host)
	k.Expect(err).NotTo(HaveOccurred())
	metadata["url"] = strings.Replace(metadata["url"].(string), "kubernetes.default.svc", api.Host, 1)
	k.Expect(metadata["url"]).To(ContainSubstring(api.Host))
	for name, seconds := range map[string]int64{"pollingInterval": 1, "cooldownPeriod": 2} {
		k.Expect(unstructured.SetNestedField(scaled.Object, seconds, "spec", name)).To(Succeed())
	}
	return scaled
}

// fill stores the page's Secret with a token.
func (k *kedaCluster) fill(token string) {
	k.t.Helper()
	secret := lastOf(k.t, "keda.md", "Secret")
	k.Expect(unstructured.SetNestedField(secret.Object, token, "stringData", "token")).To(Succeed())
	k.Expect(k.plane.Apply(k.t.Context(), secret)).To(Succeed())
}

// running sets how many tasks run, as the operator does.
func (k *kedaCluster) running(source *v1alpha1.LivepeerTaskSource, n int32) {
	k.t.Helper()
	source.Status.Tasks.Running = n
	k.Expect(k.Status().Update(k.t.Context(), source)).To(Succeed())
}

func (k *kedaCluster) replicas() int32 {
	deployment := &appsv1.Deployment{}
	k.Expect(k.Get(k.t.Context(), client.ObjectKey{Namespace: "media", Name: "transcode-followers"}, deployment)).To(Succeed())
	return *deployment.Spec.Replicas
}

// condition is one of the ScaledObject's: its status and its reason.
func (k *kedaCluster) condition(kind string) string {
	scaled := &unstructured.Unstructured{}
	scaled.SetGroupVersionKind(lastOf(k.t, "keda.md", "ScaledObject").GroupVersionKind())
	k.Expect(k.Get(k.t.Context(), client.ObjectKey{Namespace: "media", Name: "transcode-followers"}, scaled)).To(Succeed())
	conditions, _, err := unstructured.NestedSlice(scaled.Object, "status", "conditions")
	k.Expect(err).NotTo(HaveOccurred())
	for _, condition := range conditions {
		if c := condition.(map[string]any); c["type"] == kind {
			reason, _ := c["reason"].(string)
			return c["status"].(string) + " " + reason
		}
	}
	return ""
}

// failures are what the Events KEDAScalerFailed of the ScaledObject say.
func (k *kedaCluster) failures() (messages []string) {
	events := &corev1.EventList{}
	k.Expect(k.List(k.t.Context(), events, client.InNamespace("media"))).To(Succeed())
	for i := range events.Items {
		if events.Items[i].Reason == "KEDAScalerFailed" && events.Items[i].InvolvedObject.Name == "transcode-followers" {
			messages = append(messages, events.Items[i].Message)
		}
	}
	return messages
}

// testHPA: what scales from one replica on asks for the metric and the target of the page.
func (k *kedaCluster) testHPA() {
	k.t.Helper()
	hpas := &autoscalingv2.HorizontalPodAutoscalerList{}
	k.Expect(k.List(k.t.Context(), hpas, client.InNamespace("media"))).To(Succeed())
	k.Expect(hpas.Items).To(HaveLen(1))
	spec := hpas.Items[0].Spec
	k.Expect(spec.ScaleTargetRef.Name).To(Equal("transcode-followers"))
	k.Expect([]int32{*spec.MinReplicas, spec.MaxReplicas}).To(Equal([]int32{1, 20}))
	k.Expect(spec.Metrics).To(HaveLen(1))
	k.Expect(spec.Metrics[0].External.Metric.Name).To(Equal("s0-metric-api-status-tasks-running"))
	k.Expect(spec.Metrics[0].External.Target.AverageValue.String()).To(Equal("10"))
}
