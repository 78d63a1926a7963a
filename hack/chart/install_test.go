// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// A cluster is a real API server, without controllers: no pod runs.
type cluster struct {
	client.Client
	*controlplane.ControlPlane
	kubeconfig string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	g := NewWithT(t)
	plane, err := controlplane.Start(t.Context(), controlplane.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = plane.Stop() })
	path := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(controlplane.WriteKubeconfig(path, plane.Config(), "default")).To(Succeed())
	c, err := client.New(plane.Config(), client.Options{Scheme: runtime.NewScheme()})
	g.Expect(err).NotTo(HaveOccurred())
	return &cluster{Client: c, ControlPlane: plane, kubeconfig: path}
}

func (c *cluster) helm(t *testing.T, args ...string) {
	t.Helper()
	_, err := helm(t.Context(), t, append(args, "--kubeconfig", c.kubeconfig, "--namespace", namespace)...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

// remaining are those of some objects that are in the cluster, and not about to go.
func (c *cluster) remaining(t *testing.T, all objects) []string {
	t.Helper()
	var found []string
	for key, object := range all {
		stored := object.DeepCopy()
		err := c.Get(t.Context(), client.ObjectKeyFromObject(object), stored)
		if err != nil {
			NewWithT(t).Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%s: %v", key, err)
		} else if stored.GetDeletionTimestamp() == nil {
			found = append(found, key)
		}
	}
	return found
}

// describes says whether the stored CRD of sources describes a field of its spec.
func (c *cluster) describes(t *testing.T, field string) bool {
	t.Helper()
	stored := &unstructured.Unstructured{}
	stored.SetAPIVersion("apiextensions.k8s.io/v1")
	stored.SetKind("CustomResourceDefinition")
	g := NewWithT(t)
	g.Expect(c.Get(t.Context(), client.ObjectKey{Name: "livepeertasksources.studio.livepeer.org"}, stored)).To(Succeed())
	versions, _, err := unstructured.NestedSlice(stored.Object, "spec", "versions")
	g.Expect(err).NotTo(HaveOccurred())
	_, found, err := unstructured.NestedMap(versions[0].(map[string]any),
		"schema", "openAPIV3Schema", "properties", "spec", "properties", field)
	g.Expect(err).NotTo(HaveOccurred())
	return found
}

// An older chart is installed, upgraded to this one and to two replicas, and uninstalled: the CRDs grow with the chart, and
// stay with the sources when it goes.
func TestInstallUpgradeUninstall(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(t)
	for _, crd := range chart(t).of("CustomResourceDefinition") { // the control plane comes with them
		g.Expect(c.Delete(t.Context(), crd)).To(Succeed())
		g.Eventually(func() error { return c.Get(t.Context(), client.ObjectKeyFromObject(crd), crd) }, "2m").
			Should(MatchError(apierrors.IsNotFound, "IsNotFound"))
	}
	c.helm(t, "install", release, olderChart(t), "--create-namespace")
	g.Expect(c.describes(t, "suspend")).To(BeFalse())
	source := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "studio.livepeer.org/v1alpha1", "kind": "LivepeerTaskSource",
		"metadata": map[string]any{"name": "main", "namespace": "default"},
		"spec":     map[string]any{"secretRef": map[string]any{"name": "livepeer"}},
	}}
	g.Eventually(func() error { return c.Create(t.Context(), source.DeepCopy()) }, "2m").Should(Succeed())

	c.helm(t, "upgrade", release, chartDir, "--set", "replicaCount=2")
	g.Expect(c.describes(t, "suspend")).To(BeTrue())
	all := chart(t, "--set", "replicaCount=2")
	g.Expect(c.remaining(t, all)).To(HaveLen(len(all)))

	for _, install := range []string{"false", "true"} { // left to somebody else, and taken again
		c.helm(t, "upgrade", release, chartDir, "--set", "replicaCount=2,crds.install="+install)
		g.Expect(c.remaining(t, all)).To(HaveLen(len(all)))
		g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
	}

	c.helm(t, "uninstall", release)
	g.Expect(c.remaining(t, all)).To(ConsistOf(
		"CustomResourceDefinition  livepeertasks.studio.livepeer.org", "CustomResourceDefinition  livepeertasksources.studio.livepeer.org"))
	g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())

	c.helm(t, "install", release, chartDir, "--set", "crds.keep=false") // takes what it kept
	g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
	c.helm(t, "uninstall", release)
	g.Expect(c.remaining(t, all)).To(BeEmpty())
}

// What kubectl installed from config/ha becomes a release where it stands: no object has to be deleted for it.
func TestTakesOverFromKustomize(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(t)
	kustomized, err := c.Render(t.Context(), "config/ha")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(c.ControlPlane.Apply(t.Context(), kustomized...)).To(Succeed())
	deployment := chart(t).only(t, "Deployment")
	g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(deployment), deployment)).To(Succeed())
	before := deployment.GetUID()

	c.helm(t, "install", release, chartDir, "--set", "replicaCount=2", "--take-ownership", "--force-conflicts")

	g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(deployment), deployment)).To(Succeed())
	g.Expect(deployment.GetUID()).To(Equal(before))
	g.Expect(deployment.GetLabels()).To(HaveKeyWithValue("app.kubernetes.io/managed-by", "Helm"))
}

// olderChart is the chart as it would be if sources had no spec.suspend yet.
func olderChart(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	dir := filepath.Join(t.TempDir(), release)
	g.Expect(os.CopyFS(dir, os.DirFS(filepath.Join(rootOf(t), chartDir)))).To(Succeed())
	path := filepath.Join(dir, crdDir, "studio.livepeer.org_livepeertasksources.yaml")
	raw, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	older := regexp.MustCompile(`(?m)^ {14}suspend:\n(?: {15,}.*\n)+`)
	g.Expect(older.FindAll(raw, -1)).To(HaveLen(1))
	g.Expect(os.WriteFile(path, older.ReplaceAll(raw, nil), 0o600)).To(Succeed())
	return dir
}
