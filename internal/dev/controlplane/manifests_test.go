// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
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

// A typing error in a manifest must not go unnoticed.
func TestApplyRefusesUnknownFields(t *testing.T) {
	g := NewWithT(t)
	source := render(t, "config/samples")[1]
	g.Expect(source.GetKind()).To(Equal("LivepeerTaskSource"))
	source.SetNamespace("default")
	g.Expect(unstructured.SetNestedField(source.Object, "5s", "spec", "intervall")).To(Succeed())

	g.Expect(plane.Apply(t.Context(), source)).To(MatchError(ContainSubstring("intervall")))
}

// The operator's pod must be admitted by its own namespace, which enforces the restricted standard.
func TestManagerRunsRestricted(t *testing.T) {
	applyDefault(t)
	objects := render(t, "config/default")
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Deployment" })
	g := NewWithT(t)
	g.Expect(i).To(BeNumerically(">=", 0), "no Deployment in config/default")
	deployment := &appsv1.Deployment{}
	g.Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(objects[i].Object, deployment)).To(Succeed())

	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "manager", Labels: deployment.Spec.Template.Labels},
		Spec:       deployment.Spec.Template.Spec,
	}
	g.Expect(createPod(t, pod)).To(Succeed())

	privileged := pod.DeepCopy()
	privileged.Spec.SecurityContext = nil
	g.Expect(apierrors.IsForbidden(createPod(t, privileged))).To(BeTrue(), "the namespace does not enforce the restricted standard")
}

// The Service, the NetworkPolicy and the ServiceMonitor find their targets by labels and port names.
func TestSelectorsMeetTheirTargets(t *testing.T) {
	g := NewWithT(t)
	objects := append(render(t, "config/default"), render(t, "config/prometheus")...)
	find := func(kind string) map[string]any {
		i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind })
		g.Expect(i).To(BeNumerically(">=", 0), "no %s", kind)
		g.Expect(objects[i].GetNamespace()).To(Equal(systemNamespace), kind)
		return objects[i].Object
	}
	at := func(object map[string]any, path ...string) any {
		value, found, err := unstructured.NestedFieldNoCopy(object, path...)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(found).To(BeTrue(), "%v", path)
		return value
	}

	podLabels := at(find("Deployment"), "spec", "template", "metadata", "labels")
	g.Expect(at(find("Deployment"), "spec", "selector", "matchLabels")).To(Equal(podLabels))
	g.Expect(at(find("Service"), "spec", "selector")).To(Equal(podLabels))
	g.Expect(at(find("NetworkPolicy"), "spec", "podSelector", "matchLabels")).To(Equal(podLabels))
	serviceLabels := at(find("Service"), "metadata", "labels")
	wanted, ok := at(find("ServiceMonitor"), "spec", "selector", "matchLabels").(map[string]any)
	g.Expect(ok).To(BeTrue())
	for name, value := range wanted {
		g.Expect(serviceLabels).To(HaveKeyWithValue(name, value))
	}
}

func render(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	objects, err := plane.Render(t.Context(), dir)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return objects
}

func applyDefault(t *testing.T) {
	t.Helper()
	NewWithT(t).Expect(plane.Apply(t.Context(), render(t, "config/default")...)).To(Succeed())
}

func createPod(t *testing.T, pod *corev1.Pod) error {
	t.Helper()
	dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	_, err := kubernetes.NewForConfigOrDie(plane.Config()).CoreV1().Pods(systemNamespace).Create(t.Context(), pod, dryRun)
	return err
}
