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
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

var (
	kustomizations  = schema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: "Kustomization"}
	gitRepositories = schema.GroupVersionKind{Group: "source.toolkit.fluxcd.io", Version: "v1", Kind: "GitRepository"}
)

// fluxCluster is a cluster of its own, since Flux takes CRDs away: an API server without the operator's CRDs, Flux's
// kustomize-controller, and in place of its source-controller a server of archives.
type fluxCluster struct {
	Gomega
	client.Client
	t         *testing.T
	plane     *controlplane.ControlPlane
	artifacts string // folder that is served
	url       string
}

func newFluxCluster(t *testing.T, binary string) *fluxCluster {
	t.Helper()
	f := &fluxCluster{Gomega: NewWithT(t), t: t, artifacts: t.TempDir()}
	var err error
	f.plane, err = controlplane.Start(t.Context(), controlplane.Options{})
	f.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { f.Expect(f.plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		f.Expect(add(scheme)).To(Succeed())
	}
	f.Client, err = client.New(f.plane.Config(), client.Options{Scheme: scheme})
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(f.DeleteAllOf(t.Context(), &apiextensionsv1.CustomResourceDefinition{})).To(Succeed())
	f.Eventually(f.crds, time.Minute).Should(BeEmpty())
	_, err = envtest.InstallCRDs(f.plane.Config(), envtest.CRDInstallOptions{Paths: toolCRDs(t), ErrorIfPathMissing: true, MaxTime: 2 * time.Minute})
	f.Expect(err).NotTo(HaveOccurred())
	server := httptest.NewServer(http.FileServer(http.Dir(f.artifacts)))
	t.Cleanup(server.Close)
	f.url = server.URL
	newNamespace(t, f, "flux-system")

	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	f.Expect(controlplane.WriteKubeconfig(kubeconfig, f.plane.Config(), "flux-system")).To(Succeed())
	t.Setenv("KUBECONFIG", kubeconfig) // it has no flag for it
	stop := startTool(t, binary, "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:"+freePort(t), "--requeue-dependency=1s")
	t.Cleanup(func() {
		if said := stop(); t.Failed() {
			t.Log(said)
		}
	})
	return f
}

// in is the same cluster for a part of the test.
func (f *fluxCluster) in(t *testing.T) *fluxCluster {
	t.Helper()
	part := *f
	part.t, part.Gomega = t, NewWithT(t)
	return &part
}

// crds are the names of the operator's CRDs that are there.
func (f *fluxCluster) crds() (names []string) {
	list := &apiextensionsv1.CustomResourceDefinitionList{}
	f.Expect(f.List(f.t.Context(), list)).To(Succeed())
	for i := range list.Items {
		if list.Items[i].Spec.Group == v1alpha1.GroupVersion.Group {
			names = append(names, list.Items[i].Spec.Names.Kind)
		}
	}
	return names
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

func (f *fluxCluster) kustomization(name string) *unstructured.Unstructured {
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(kustomizations)
	f.Expect(f.Get(f.t.Context(), client.ObjectKey{Namespace: "flux-system", Name: name}, stored)).To(Succeed())
	return stored
}

// ready is a Kustomization's Ready condition: its status, its reason and its message.
func (f *fluxCluster) ready(name string) string {
	conditions, _, err := unstructured.NestedSlice(f.kustomization(name).Object, "status", "conditions")
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
	asked := f.kustomization(name)
	before := asked.DeepCopy()
	asked.SetAnnotations(map[string]string{"reconcile.fluxcd.io/requestedAt": request})
	f.Expect(f.Patch(f.t.Context(), asked, client.MergeFrom(before))).To(Succeed())
	f.Eventually(func() string {
		handled, _, err := unstructured.NestedString(f.kustomization(name).Object, "status", "lastHandledReconcileAt")
		f.Expect(err).NotTo(HaveOccurred())
		return handled
	}, fluxBound).Should(Equal(request))
	return f.ready(name)
}

// versions are the resource versions of what a Kustomization applied.
func (f *fluxCluster) versions(name string) map[string]string {
	f.t.Helper()
	entries, _, err := unstructured.NestedSlice(f.kustomization(name).Object, "status", "inventory", "entries")
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

// startOperator runs the operator itself, with the rights that Flux gave it.
func (f *fluxCluster) startOperator() {
	f.t.Helper()
	binary, err := controlplane.ManagerFor(f.t.Context(), "../..", f.t.TempDir())
	f.Expect(err).NotTo(HaveOccurred())
	account, err := f.plane.ServiceAccountConfig(f.t.Context(), controlplane.SystemNamespace, controlplane.ServiceAccount)
	f.Expect(err).NotTo(HaveOccurred())
	kubeconfig := filepath.Join(f.t.TempDir(), "kubeconfig")
	f.Expect(controlplane.WriteKubeconfig(kubeconfig, account, "")).To(Succeed())
	stop := startTool(f.t, binary, "--kubeconfig="+kubeconfig, "--health-probe-bind-address=0", "--metrics-bind-address=0", "--receiver-bind-address=0")
	f.t.Cleanup(func() {
		if said := stop(); f.t.Failed() {
			f.t.Log(said)
		}
	})
}

// rollOut does what the controllers of Deployments and a node do.
func (f *fluxCluster) rollOut() {
	f.t.Helper()
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: controlplane.SystemNamespace, Name: controlplane.ServiceAccount}
	f.Eventually(func() error { return f.Get(f.t.Context(), key, deployment) }, fluxBound).Should(Succeed())
	n := *deployment.Spec.Replicas
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
		Conditions: []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable"},
			{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
		},
	}
	f.Expect(f.Status().Update(f.t.Context(), deployment)).To(Succeed())
}

// gone says whether an object is not there.
func (f *fluxCluster) gone(which client.Object) bool {
	err := f.Get(f.t.Context(), client.ObjectKeyFromObject(which), which)
	f.Expect(client.IgnoreNotFound(err)).To(Succeed())
	return apierrors.IsNotFound(err)
}

func sourceCalled(name string) *v1alpha1.LivepeerTaskSource {
	return &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name}}
}
