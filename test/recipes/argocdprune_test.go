// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// testPrune: a source that leaves git is deleted unless it is annotated; tasks, which never were in git, stay.
func (a *argoCluster) testPrune(url string) {
	before := a.tasksOf("main")
	a.commit(url, "", "main", "leaves", "stays")
	a.refresh("media")
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Suspended"), "two of the sources are")
	a.commit(url, "", "main")
	a.refresh("media")
	a.Eventually(a.deleted, gitopsBound).WithArguments(sourceCalled("leaves")).Should(BeTrue())
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(HavePrefix("OutOfSync "), "stays is not in git")
	a.Expect(a.deleted(sourceCalled("stays"))).To(BeFalse())
	a.Expect(a.deleted(sourceCalled("main"))).To(BeFalse())
	a.Expect(a.tasksOf("main")).To(Equal(before))
	a.Expect(a.versions("media")).NotTo(HaveKey(HavePrefix("LivepeerTask ")), "Argo CD counts a task as its own")
}

// deleted says whether an object is gone, or waits for the garbage collector, which this cluster has not.
func (a *argoCluster) deleted(which client.Object) bool {
	return a.gone(which) || which.GetDeletionTimestamp() != nil
}

// testManyTasks: what the page excludes is in no tree, and stays in the cluster.
func (a *argoCluster) testManyTasks() {
	a.Expect(a.tree("media")).NotTo(BeEmpty())
	listed := &corev1.ConfigMap{}
	a.Expect(a.Get(a.t.Context(), client.ObjectKey{Namespace: "argocd", Name: "argocd-cm"}, listed)).To(Succeed())
	const key = "resource.exclusions"
	onPage := pages(a.t)["argocd.md"][1].Object["data"].(map[string]any)[key].(string)
	listed.Data[key] += onPage
	a.Expect(a.Update(a.t.Context(), listed)).To(Succeed())
	a.Eventually(a.tree, gitopsBound).WithArguments("media").Should(BeEmpty())
	a.Expect(a.tasksOf("main")).To(HaveLen(20))
	a.Expect(a.versions("media")).To(HaveKey("LivepeerTaskSource main"))
}

// testCRDs: Argo CD does not mark CRDs as its own, so that those that leave git stay.
func (a *argoCluster) testCRDs() {
	file := filepath.Join(a.repository, "config", "default", "kustomization.yaml")
	whole, err := os.ReadFile(file)
	a.Expect(err).NotTo(HaveOccurred())
	without := strings.Replace(string(whole), "- ../crd\n", "", 1)
	a.Expect(without).NotTo(Equal(string(whole)))
	a.Expect(os.WriteFile(file, []byte(without), 0o600)).To(Succeed())
	a.git(a.repository, "commit", "--quiet", "--all", "--message=no CRDs")
	a.Expect(a.versions(operatorName)).To(HaveKey(HavePrefix("CustomResourceDefinition ")))
	a.patch(operatorName, `{"spec":{"source":{"targetRevision":"main"}}}`)
	a.refresh(operatorName)
	a.Eventually(a.versions, gitopsBound).WithArguments(operatorName).ShouldNot(HaveKey(HavePrefix("CustomResourceDefinition ")))
	a.Expect(a.state(operatorName)).To(Equal("Synced Healthy"))
	a.expectCRDs()
}

// expectCRDs: the CRDs and a source are there, and stay.
func (a *argoCluster) expectCRDs() {
	a.t.Helper()
	a.Consistently(func(g Gomega) {
		g.Expect(a.deleted(sourceCalled("main"))).To(BeFalse())
		for _, kind := range []string{"livepeertasks.", "livepeertasksources."} {
			crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: kind + v1alpha1.GroupVersion.Group}}
			g.Expect(a.deleted(crd)).To(BeFalse())
		}
	}, 6*time.Second).Should(Succeed())
}

// testDelete: an Application that is deleted takes along what it applied where it is told to, as the command line does, but for CRDs.
func (a *argoCluster) testDelete() {
	a.Expect(a.Delete(a.t.Context(), a.application("media"))).To(Succeed())
	a.argocd("app", "delete", operatorName, "--yes")
	a.Eventually(a.deleted, gitopsBound).WithArguments(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: controlplane.SystemNamespace, Name: controlplane.ServiceAccount},
	}).Should(BeTrue())
	a.expectCRDs()
}
