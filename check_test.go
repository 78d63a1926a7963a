// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// testCheck: what helm test runs passes beside an operator that is ready, by a ServiceAccount without rights, and does not where the
// CRDs lack a field.
func (b *bench) testCheck(t *testing.T) {
	g := NewWithT(t)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "anybody", Namespace: "default"}}
	g.Expect(b.client.Create(t.Context(), account)).To(Succeed())
	config, err := b.cluster.ServiceAccountConfig(t.Context(), account.Namespace, account.Name)
	g.Expect(err).NotTo(HaveOccurred())
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(controlplane.WriteKubeconfig(kubeconfig, config, "")).To(Succeed())
	address := freeAddress(t)
	printed, stop := b.start(t, "--metrics-bind-address=0", "--health-probe-bind-address="+address)
	g.Eventually(probe, soon).WithArguments(t.Context(), address, "/readyz").Should(Equal(http.StatusOK), printed.String())
	check := func() (string, error) {
		out, err := exec.CommandContext(t.Context(), b.binary, "--kubeconfig="+kubeconfig, "--check=http://"+address+"/readyz").CombinedOutput()
		return string(out), err
	}
	out, err := check()
	g.Expect(err).NotTo(HaveOccurred(), out)
	g.Expect(out).To(ContainSubstring("The operator is ready, and the CRDs are as new as this version"))

	crds, err := b.cluster.Render(t.Context(), "config/crd")
	g.Expect(err).NotTo(HaveOccurred())
	var older []*unstructured.Unstructured
	for _, crd := range crds {
		older = append(older, crd.DeepCopy())
		version := nested(older[len(older)-1].Object, "spec", "versions").([]any)[0]
		status := nested(version.(map[string]any), "schema", "openAPIV3Schema", "properties", "status").(map[string]any)
		delete(status, "default") // which is of that field
		delete(status["properties"].(map[string]any), "observedGeneration")
	}
	g.Expect(b.cluster.Apply(t.Context(), older...)).To(Succeed())
	says := func() string {
		out, _ := check()
		return out
	}
	g.Eventually(says, soon).Should(ContainSubstring("lack LivepeerTask.status.observedGeneration, LivepeerTaskSource.status.observedGeneration"))
	_, err = check()
	g.Expect(err).To(HaveOccurred())
	g.Expect(b.cluster.Apply(t.Context(), crds...)).To(Succeed())
	g.Eventually(says, soon).Should(ContainSubstring("The operator is ready"))
	stop()
	out, err = check()
	g.Expect(err).To(HaveOccurred(), "nobody is there")
	g.Expect(out).To(ContainSubstring("the operator is not ready"))
}

func nested(object map[string]any, path ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(object, path...)
	return value
}
