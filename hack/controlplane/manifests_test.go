// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// What a user applies must be what the API server takes, field by field.
func TestManifestsApply(t *testing.T) {
	applyDefault(t)
	g := NewWithT(t)

	samples := render(t, "config/samples")
	g.Expect(samples).To(HaveLen(2))
	for _, sample := range samples {
		sample.SetNamespace("default")
	}
	g.Expect(plane.Apply(t.Context(), samples...)).To(Succeed())
}

const withCertificates = "resources: [config/default]\n" +
	"components: [config/components/metrics-certificate, config/components/receiver-certificate]"

// TestCertificatesAreMounted: each where its flag says.
func TestCertificatesAreMounted(t *testing.T) {
	g := NewWithT(t)
	dir := overlay(t, withCertificates)
	pod := deploymentIn(t, dir).Spec.Template.Spec
	g.Expect(pod.Volumes).To(HaveLen(2))
	g.Expect(pod.Containers[0].VolumeMounts).To(HaveLen(2))
	for _, mount := range pod.Containers[0].VolumeMounts {
		of, _, _ := strings.Cut(mount.Name, "-")
		g.Expect(pod.Containers[0].Args).To(ContainElement("--" + of + "-cert-path=" + mount.MountPath))
		g.Expect(pod.Volumes).To(ContainElement(And(HaveField("Name", mount.Name),
			HaveField("Secret.SecretName", "livepeer-task-operator-"+mount.Name))))
	}
	service := &corev1.Service{}
	decode(t, named(t, dir, "Service", "livepeer-task-operator-receiver"), service)
	g.Expect(service.Spec.Ports[0].AppProtocol).To(HaveValue(Equal("https")))
}

// The samples that expose the receiver name its Service and its port.
func TestSamplesExposeTheReceiver(t *testing.T) {
	g := NewWithT(t)
	applyDefault(t)
	root, err := controlplane.RepoRoot()
	g.Expect(err).NotTo(HaveOccurred())
	service := &corev1.Service{}
	decode(t, named(t, "config/default", "Service", "livepeer-task-operator-receiver"), service)
	port := deploymentIn(t, "config/default").Spec.Template.Spec.Containers[0].Ports
	g.Expect(port).To(ContainElement(HaveField("Name", service.Spec.Ports[0].TargetPort.StrVal)))
	for _, name := range []string{"ingress.yaml", "httproute.yaml"} {
		raw, err := os.ReadFile(filepath.Join(root, "config", "samples", name))
		g.Expect(err).NotTo(HaveOccurred())
		sample := &unstructured.Unstructured{}
		g.Expect(yaml.Unmarshal(raw, sample)).To(Succeed())
		g.Expect(sample.GetNamespace()).To(Equal(service.Namespace), name)
		g.Expect(string(raw)).To(ContainSubstring("name: "+service.Name+"\n"), name)
		if sample.GetKind() == "Ingress" {
			g.Expect(plane.Apply(t.Context(), sample)).To(Succeed())
		}
	}
}

// Every overlay is what the API server takes, field by field; only what takes another project's CRD can't be tried.
func TestEveryOverlayIsValid(t *testing.T) {
	applyDefault(t)
	g := NewWithT(t)
	c, err := client.New(plane.Config(), client.Options{Scheme: runtime.NewScheme(), DryRun: new(true)})
	g.Expect(err).NotTo(HaveOccurred())
	for _, namespace := range []string{"livepeer", "media", "livepeer-task-operator-shard"} {
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace},
		}}
		g.Expect(plane.Apply(t.Context(), object)).To(Succeed())
	}
	root, err := controlplane.RepoRoot()
	g.Expect(err).NotTo(HaveOccurred())
	found, err := filepath.Glob(filepath.Join(root, "config", "*", "kustomization.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(found)).To(BeNumerically(">=", 11))
	overlays := []string{
		overlay(t, "namespace: media\nresources: [config/default]"),
		overlay(t, "namespace: media\nresources: [config/namespaced]"),
		overlay(t, "resources: [config/default, config/prometheus]\ncomponents: [config/components/metrics-certificate]"),
		overlay(t, withCertificates),
	}
	for _, file := range found {
		dir, err := filepath.Rel(root, filepath.Dir(file))
		g.Expect(err).NotTo(HaveOccurred())
		overlays = append(overlays, dir)
	}
	var skipped []string
	for _, dir := range overlays {
		for _, object := range render(t, dir) {
			if object.GroupVersionKind().Group == "monitoring.coreos.com" { // the Prometheus operator's, which is not here
				skipped = append(skipped, dir+" "+object.GetKind())
				continue
			}
			if object.GetNamespace() == "" {
				object.SetNamespace("default") // the current namespace, where the API server wants one
			}
			err := c.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("test"), client.ForceOwnership)
			g.Expect(err).NotTo(HaveOccurred(), "%s: %s %s", dir, object.GetKind(), object.GetName())
		}
	}
	g.Expect(skipped).To(ConsistOf(overlays[2]+" PrometheusRule", overlays[2]+" ServiceMonitor",
		"config/prometheus PrometheusRule", "config/prometheus ServiceMonitor"))
}

// Whoever moves the operator to another namespace gets all of it there, rights included.
func TestNamespaceCanBeChanged(t *testing.T) {
	g := NewWithT(t)
	for _, dir := range []string{"config/default", "config/namespaced", "config/shard"} {
		for _, object := range render(t, overlay(t, "namespace: media\nresources: ["+dir+"]")) {
			text, err := object.MarshalJSON()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(text)).NotTo(Or(ContainSubstring(controlplane.SystemNamespace), ContainSubstring(`"namespace":"livepeer"`)),
				"%s: %s %s", dir, object.GetKind(), object.GetName())
		}
	}
}

// A namespaced install is one that needs no right in the cluster.
func TestNamespacedInstallStaysInItsNamespace(t *testing.T) {
	g := NewWithT(t)
	kinds := map[string]int{}
	for _, object := range render(t, "config/namespaced") {
		g.Expect(object.GetNamespace()).To(Equal("livepeer"), object.GetKind())
		kinds[object.GetKind()]++
	}
	g.Expect(kinds).To(Equal(map[string]int{
		"ServiceAccount": 1, "Role": 2, "RoleBinding": 2, "Deployment": 1, "NetworkPolicy": 1, "Service": 1,
	}))
	container := deploymentIn(t, "config/namespaced").Spec.Template.Spec.Containers[0]
	g.Expect(container.Args).To(ConsistOf("--leader-elect", "--metrics-bind-address=0", "--health-probe-bind-address=:8081",
		"--receiver-bind-address=:9292", "--watch-namespaces=$(POD_NAMESPACE)"))
	g.Expect(container.Env).To(ContainElement(HaveField("ValueFrom.FieldRef.FieldPath", "metadata.namespace")))

	ofDefault, ofCluster := render(t, "config/default"), render(t, "config/cluster")
	for _, object := range ofCluster {
		g.Expect(ofDefault).To(ContainElement(object), "what config/namespaced needs of config/cluster, config/default has")
	}
}

// A typing error in a manifest must not go unnoticed.
func TestApplyRefusesUnknownFields(t *testing.T) {
	g := NewWithT(t)
	source := render(t, "config/samples")[1]
	g.Expect(source.GetKind()).To(Equal("LivepeerTaskSource"))
	source.SetNamespace("default")
	g.Expect(unstructured.SetNestedField(source.Object, "5s", "spec", "intervall")).To(Succeed())

	g.Expect(plane.Apply(t.Context(), source)).To(MatchError(ContainSubstring("intervall")))
}

// The operator's pod must be admitted by a namespace that enforces the restricted standard, whatever is installed.
func TestManagerRunsRestricted(t *testing.T) {
	applyDefault(t)
	for _, dir := range []string{
		"config/default", "config/namespaced", "config/ha", "config/shard",
		overlay(t, withCertificates),
	} {
		g := NewWithT(t)
		for _, object := range render(t, dir) {
			if object.GetKind() == "PriorityClass" {
				g.Expect(plane.Apply(t.Context(), object)).To(Succeed())
			}
		}
		deployment := deploymentIn(t, dir)
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "manager", Labels: deployment.Spec.Template.Labels},
			Spec:       deployment.Spec.Template.Spec,
		}
		// The API server's admission hears of a new PriorityClass a moment later.
		g.Eventually(func() error { return createPod(t, pod) }, time.Minute).Should(Succeed())
		privileged := pod.DeepCopy()
		privileged.Spec.SecurityContext = nil
		g.Expect(apierrors.IsForbidden(createPod(t, privileged))).To(BeTrue(), "the namespace does not enforce the restricted standard")

		container := pod.Spec.Containers[0]
		g.Expect(container.SecurityContext.ReadOnlyRootFilesystem).To(HaveValue(BeTrue()))
		g.Expect(container.Resources.Requests).To(And(HaveKey(corev1.ResourceCPU), HaveKey(corev1.ResourceMemory)))
		g.Expect(container.Resources.Limits).To(HaveKey(corev1.ResourceMemory))
	}
}

// Only the operator's own pod gets the ServiceAccount's token.
func TestTokenIsMountedWhereItIsNeeded(t *testing.T) {
	g := NewWithT(t)
	for _, dir := range []string{"config/default", "config/namespaced"} {
		g.Expect(deploymentIn(t, dir).Spec.Template.Spec.AutomountServiceAccountToken).To(HaveValue(BeTrue()))
		account := &corev1.ServiceAccount{}
		decode(t, find(t, dir, "ServiceAccount"), account)
		g.Expect(account.AutomountServiceAccountToken).To(HaveValue(BeFalse()))
	}
}

// rendered are the objects of each folder: the tests look at the same ones again and again, and kubectl takes its time.
var rendered = map[string][]*unstructured.Unstructured{}

func render(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	if rendered[dir] == nil {
		objects, err := plane.Render(t.Context(), dir)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		rendered[dir] = objects
	}
	var objects []*unstructured.Unstructured
	for _, object := range rendered[dir] {
		objects = append(objects, object.DeepCopy())
	}
	return objects
}

// overlay writes a kustomization of a user's own, outside the repository, and returns its folder as Render wants it. The
// folders that it names as config/... are the repository's.
func overlay(t *testing.T, kustomization string) string {
	t.Helper()
	g := NewWithT(t)
	root, err := controlplane.RepoRoot()
	g.Expect(err).NotTo(HaveOccurred())
	dir := t.TempDir()
	up, err := filepath.Rel(dir, root)
	g.Expect(err).NotTo(HaveOccurred())
	kustomization = strings.ReplaceAll(kustomization, "config/", up+"/config/")
	g.Expect(os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(kustomization), 0o600)).To(Succeed())
	dir, err = filepath.Rel(root, dir)
	g.Expect(err).NotTo(HaveOccurred())
	return dir
}

func find(t *testing.T, dir, kind string) *unstructured.Unstructured {
	t.Helper()
	objects := render(t, dir)
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind })
	NewWithT(t).Expect(i).To(BeNumerically(">=", 0), "no %s in %s", kind, dir)
	return objects[i]
}

func named(t *testing.T, dir, kind, name string) *unstructured.Unstructured {
	t.Helper()
	objects := render(t, dir)
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind && o.GetName() == name })
	NewWithT(t).Expect(i).To(BeNumerically(">=", 0), "no %s %s in %s", kind, name, dir)
	return objects[i]
}

func decode(t *testing.T, object *unstructured.Unstructured, into any) {
	t.Helper()
	NewWithT(t).Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into)).To(Succeed())
}

func deploymentIn(t *testing.T, dir string) *appsv1.Deployment {
	t.Helper()
	deployment := &appsv1.Deployment{}
	decode(t, find(t, dir, "Deployment"), deployment)
	return deployment
}

func applyDefault(t *testing.T) {
	t.Helper()
	NewWithT(t).Expect(plane.Apply(t.Context(), render(t, "config/default")...)).To(Succeed())
}

func createPod(t *testing.T, pod *corev1.Pod) error {
	t.Helper()
	dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	_, err := kubernetes.NewForConfigOrDie(plane.Config()).CoreV1().Pods(controlplane.SystemNamespace).Create(t.Context(), pod, dryRun)
	return err
}
