// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

var helmReleases = schema.GroupVersionKind{Group: "helm.toolkit.fluxcd.io", Version: "v2", Kind: "HelmRelease"}

// Flux's source-controller and helm-controller themselves, with the GitRepository of the page, save for its address, and the HelmRelease as
// it is, and the operator's own binary with the rights that the chart gave it: the chart comes out of the tag, is installed and waited for,
// rests, is upgraded where a value changes, and what is not to stay is uninstalled.
func TestFluxHelm(t *testing.T) {
	f := newFluxCluster(t, tool(t, "helm-controller"), helmReleases)
	_, url := f.startStudio()
	f.startSourceController()
	repository := lastOf(t, "gitops.md", "GitRepository").DeepCopy()
	f.Expect(unstructured.SetNestedField(repository.Object, f.serveRepository(), "spec", "url")).To(Succeed())
	f.Expect(f.plane.Apply(t.Context(), repository, lastOf(t, "gitops.md", "HelmRelease"))).To(Succeed())

	f.Eventually(f.crds, gitopsBound).Should(ConsistOf("LivepeerTask", "LivepeerTaskSource"))
	f.Consistently(f.ready, 6*time.Second).WithArguments(operatorName).Should(HavePrefix("Unknown Progressing: "), "the Deployment is not rolled out")
	f.rollOut()
	f.Eventually(f.ready, gitopsBound).WithArguments(operatorName).Should(HavePrefix("True InstallSucceeded: "))
	f.Eventually(f.revision, gitopsBound).Should(Equal("1 deployed"))
	f.mirror(url)

	before := f.deployment().ResourceVersion
	f.Expect(f.reconcile(operatorName)).To(HavePrefix("True InstallSucceeded: "))
	f.Expect(f.revision()).To(Equal("1 deployed"), "nothing changed")
	f.Expect(f.deployment().ResourceVersion).To(Equal(before))

	release := f.object(operatorName)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"values":{"replicaCount":3}}}`))
	f.Expect(f.Patch(t.Context(), release, patch)).To(Succeed())
	f.Eventually(func() int32 { return *f.deployment().Spec.Replicas }, gitopsBound).Should(Equal(int32(3)))
	f.rollOut()
	f.Eventually(f.ready, gitopsBound).WithArguments(operatorName).Should(HavePrefix("True UpgradeSucceeded: "))
	f.Eventually(f.revision, gitopsBound).Should(Equal("2 deployed"))

	tasks := f.tasksOf("main")
	f.Expect(f.Delete(t.Context(), f.object(operatorName))).To(Succeed())
	f.Eventually(func() bool { return f.gone(release) }, gitopsBound).Should(BeTrue())
	f.Expect(f.gone(f.deploymentMeta())).To(BeTrue())
	f.Expect(f.crds()).To(ConsistOf("LivepeerTask", "LivepeerTaskSource"))
	f.Expect(f.gone(sourceCalled("main"))).To(BeFalse())
	f.Expect(f.tasksOf("main")).To(Equal(tasks))
}

func (f *fluxCluster) deploymentMeta() *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: controlplane.SystemNamespace, Name: controlplane.ServiceAccount}}
}

func (f *fluxCluster) deployment() *appsv1.Deployment {
	deployment := f.deploymentMeta()
	f.Expect(f.Get(f.t.Context(), client.ObjectKeyFromObject(deployment), deployment)).To(Succeed())
	return deployment
}

// revision is the release's latest: its number, and how it is. The status tells of it a moment after the condition.
func (f *fluxCluster) revision() string {
	history, _, err := unstructured.NestedSlice(f.object(operatorName).Object, "status", "history")
	f.Expect(err).NotTo(HaveOccurred())
	if len(history) == 0 {
		return ""
	}
	latest := history[0].(map[string]any)
	return fmt.Sprint(latest["version"], " ", latest["status"])
}
