// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/object"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

var (
	kustomizations  = schema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: "Kustomization"}
	gitRepositories = schema.GroupVersionKind{Group: "source.toolkit.fluxcd.io", Version: "v1", Kind: "GitRepository"}
)

// fluxCluster has one of Flux's controllers, and in place of its source-controller a server of archives.
type fluxCluster struct {
	gitopsCluster
	kind      schema.GroupVersionKind // that the controller reconciles
	artifacts string                  // folder that is served
	url       string
}

func newFluxCluster(t *testing.T, binary string, kind schema.GroupVersionKind) *fluxCluster {
	t.Helper()
	f := &fluxCluster{gitopsCluster: newGitopsCluster(t), kind: kind, artifacts: t.TempDir()}
	_, err := envtest.InstallCRDs(f.plane.Config(), envtest.CRDInstallOptions{Paths: toolCRDs(t), ErrorIfPathMissing: true, MaxTime: 2 * time.Minute})
	f.Expect(err).NotTo(HaveOccurred())
	server := httptest.NewServer(http.FileServer(http.Dir(f.artifacts)))
	t.Cleanup(server.Close)
	f.url = server.URL
	newNamespace(t, f, "flux-system")

	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	f.Expect(controlplane.WriteKubeconfig(kubeconfig, f.plane.Config(), "flux-system")).To(Succeed())
	t.Setenv("KUBECONFIG", kubeconfig) // it has no flag for it
	startTool(t, binary, "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:"+freePort(t), "--requeue-dependency=1s")
	return f
}

// in is the same cluster for a part of the test.
func (f *fluxCluster) in(t *testing.T) *fluxCluster {
	t.Helper()
	part := *f
	part.t, part.Gomega = t, NewWithT(t)
	return &part
}

// publish does what source-controller does for a new commit: it serves a folder below root as an archive, and says so in the
// GitRepository's status.
func (f *fluxCluster) publish(repository, root, folder string) {
	f.t.Helper()
	archive, err := exec.CommandContext(f.t.Context(), "tar", "-C", root, "-czf", "-", folder).Output()
	f.Expect(err).NotTo(HaveOccurred())
	sum := fmt.Sprintf("%x", sha256.Sum256(archive))
	f.Expect(os.WriteFile(filepath.Join(f.artifacts, sum+".tar.gz"), archive, 0o600)).To(Succeed())
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(gitRepositories)
	f.Expect(f.Get(f.t.Context(), client.ObjectKey{Namespace: "flux-system", Name: repository}, stored)).To(Succeed())
	f.Expect(unstructured.SetNestedStringMap(stored.Object, map[string]string{
		"digest": "sha256:" + sum, "revision": "main@sha1:" + sum[:40], "path": sum + ".tar.gz", "url": f.url + "/" + sum + ".tar.gz",
		"lastUpdateTime": time.Now().UTC().Format(time.RFC3339),
	}, "status", "artifact")).To(Succeed())
	f.Expect(f.Status().Update(f.t.Context(), stored)).To(Succeed())
}

// object returns what the controller reconciles.
func (f *fluxCluster) object(name string) *unstructured.Unstructured {
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(f.kind)
	f.Expect(f.Get(f.t.Context(), client.ObjectKey{Namespace: "flux-system", Name: name}, stored)).To(Succeed())
	return stored
}

// ready is its Ready condition: its status, its reason and its message.
func (f *fluxCluster) ready(name string) string {
	conditions, _, err := unstructured.NestedSlice(f.object(name).Object, "status", "conditions")
	f.Expect(err).NotTo(HaveOccurred())
	for _, condition := range conditions {
		if c := condition.(map[string]any); c["type"] == "Ready" {
			return fmt.Sprint(c["status"], " ", c["reason"], ": ", c["message"])
		}
	}
	return ""
}

// reconcile asks for a reconciliation, as `flux reconcile` does, and returns the Ready condition once it has ended.
func (f *fluxCluster) reconcile(name string) string {
	f.t.Helper()
	request := time.Now().Format(time.RFC3339Nano)
	asked := f.object(name)
	before := asked.DeepCopy()
	asked.SetAnnotations(map[string]string{"reconcile.fluxcd.io/requestedAt": request})
	f.Expect(f.Patch(f.t.Context(), asked, client.MergeFrom(before))).To(Succeed())
	f.Eventually(func() string {
		handled, _, err := unstructured.NestedString(f.object(name).Object, "status", "lastHandledReconcileAt")
		f.Expect(err).NotTo(HaveOccurred())
		return handled
	}, gitopsBound).Should(Equal(request))
	return f.ready(name)
}

// versions are the resource versions of what a Kustomization applied.
func (f *fluxCluster) versions(name string) map[string]string {
	f.t.Helper()
	entries, _, err := unstructured.NestedSlice(f.object(name).Object, "status", "inventory", "entries")
	f.Expect(err).NotTo(HaveOccurred())
	versions := map[string]string{}
	for _, entry := range entries {
		id, err := object.ParseObjMetadata(entry.(map[string]any)["id"].(string))
		f.Expect(err).NotTo(HaveOccurred())
		applied := &unstructured.Unstructured{}
		applied.SetGroupVersionKind(id.GroupKind.WithVersion(entry.(map[string]any)["v"].(string)))
		f.Expect(f.Get(f.t.Context(), client.ObjectKey{Namespace: id.Namespace, Name: id.Name}, applied)).To(Succeed())
		versions[id.GroupKind.Kind+" "+id.Name] = applied.GetResourceVersion()
	}
	return versions
}
