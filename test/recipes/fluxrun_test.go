// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const operatorName = "livepeer-task-operator" // of the Kustomization and the GitRepository of gitops.md

// Flux's kustomize-controller itself, with the Kustomizations of both pages as they are, and the operator's own binary with a simulated
// Studio: what is applied and when, what is ready and what fails, what rests, and what is pruned.
func TestFlux(t *testing.T) {
	f := newFluxCluster(t, tool(t, "kustomize-controller"), kustomizations)
	studio, url := f.startStudio()
	fleet := &unstructured.Unstructured{}
	lastOf(t, "gitops.md", "GitRepository").DeepCopyInto(fleet)
	fleet.SetName("fleet")
	f.Expect(f.plane.Apply(t.Context(), fleet, lastOf(t, "flux.md", "Kustomization"),
		lastOf(t, "gitops.md", "GitRepository"), lastOf(t, "gitops.md", "Kustomization"))).To(Succeed())
	f.publish(operatorName, "../..", "config")
	f.publishSources(url, "main", "leaves", "stays")

	// The operator, and after it the sources.
	f.Eventually(f.ready, gitopsBound).WithArguments(operatorName).Should(HavePrefix("Unknown Progressing: "))
	f.Eventually(f.ready, gitopsBound).WithArguments("media").Should(HavePrefix("False DependencyNotReady: "))
	f.Eventually(f.crds, gitopsBound).Should(ConsistOf("LivepeerTask", "LivepeerTaskSource"))
	f.rollOut()
	f.Eventually(f.ready, gitopsBound).WithArguments(operatorName).Should(HavePrefix("True ReconciliationSucceeded: "))
	f.addKey()
	f.Consistently(f.ready, 6*time.Second).WithArguments("media").Should(HavePrefix("Unknown Progressing: "), "no source is synced")
	f.startOperator()
	f.Eventually(f.ready, gitopsBound).WithArguments("media").Should(HavePrefix("True ReconciliationSucceeded: "))
	f.Expect(f.tasksOf("main")).To(HaveLen(20))

	t.Run("rests", func(t *testing.T) { f.in(t).testRests() })
	t.Run("by hand", func(t *testing.T) { f.in(t).testByHand() })
	t.Run("stalled", func(t *testing.T) { f.in(t).testStalled(studio) })
	t.Run("prune", func(t *testing.T) { f.in(t).testPrune(url) })
	t.Run("delete", func(t *testing.T) { f.in(t).testDelete() })
}

func (f *fluxCluster) publishSources(url string, names ...string) {
	f.t.Helper()
	root := f.t.TempDir()
	f.writeSources(filepath.Join(root, "media"), url, "", names...)
	f.publish("fleet", root, "media")
}

// testRests: a reconciliation writes nothing, neither Flux to what the operator writes, nor the operator to what Flux writes.
func (f *fluxCluster) testRests() {
	for _, name := range []string{operatorName, "media"} {
		before := f.versions(name)
		f.Expect(f.reconcile(name)).To(HavePrefix("True ReconciliationSucceeded: "))
		f.Expect(f.versions(name)).To(Equal(before), name)
	}
}

// testByHand: what kubectl and its plugins change of a source is taken back, unless the source says that it is to stay.
func (f *fluxCluster) testByHand() {
	suspended := func() bool {
		source := sourceCalled("main")
		f.Expect(f.Get(f.t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
		return source.Spec.Suspend
	}
	patch := func(manager client.FieldOwner, what string) {
		f.Expect(f.Patch(f.t.Context(), sourceCalled("main"), client.RawPatch(types.MergePatchType, []byte(what)), manager)).To(Succeed())
	}
	for _, manager := range []client.FieldOwner{"kubectl-livepeer", "kubectl-patch"} { // as the plugin and kubectl patch call themselves
		patch(manager, `{"spec":{"suspend":true}}`)
		f.Expect(suspended()).To(BeTrue())
		f.Expect(f.reconcile("media")).To(HavePrefix("True ReconciliationSucceeded: "))
		f.Expect(suspended()).To(BeFalse(), manager)
	}
	const annotated = `{"metadata":{"annotations":{"kustomize.toolkit.fluxcd.io/reconcile":%s}},"spec":{"suspend":%t}}`
	patch("kubectl-livepeer", fmt.Sprintf(annotated, `"disabled"`, true))
	f.Expect(f.reconcile("media")).To(HavePrefix("True ReconciliationSucceeded: "))
	f.Expect(suspended()).To(BeTrue())
	patch("kubectl-livepeer", fmt.Sprintf(annotated, "null", false))
	f.sync("again", v1alpha1.ReasonSynced)
}

// testStalled: a source that needs somebody's help fails the Kustomization at once, and heals it.
func (f *fluxCluster) testStalled(studio *livepeertest.Server) {
	studio.RemoveKey(livepeertest.APIKey)
	f.sync("stalled", v1alpha1.ReasonUnauthorized)
	f.Expect(f.reconcile("media")).To(And(HavePrefix("False HealthCheckFailed: "),
		HaveSuffix("failed early due to stalled resources: [LivepeerTaskSource/media/main status: 'Failed']")))
	studio.AddKey(livepeertest.APIKey, livepeertest.ProjectID)
	f.sync("healed", v1alpha1.ReasonSynced)
	f.Expect(f.reconcile("media")).To(HavePrefix("True ReconciliationSucceeded: "))
}

// testPrune: a source that leaves git is deleted unless it is annotated; tasks, which never were in git, stay.
func (f *fluxCluster) testPrune(url string) {
	before := f.tasksOf("main")
	f.publishSources(url, "main")
	f.Eventually(f.gone, gitopsBound).WithArguments(sourceCalled("leaves")).Should(BeTrue())
	f.Eventually(f.reconcile, gitopsBound).WithArguments("media").Should(HavePrefix("True ReconciliationSucceeded: "))
	f.Expect(f.gone(sourceCalled("stays"))).To(BeFalse())
	f.Expect(f.gone(sourceCalled("main"))).To(BeFalse())
	f.Expect(f.tasksOf("main")).To(Equal(before))
	for name := range f.versions("media") {
		f.Expect(name).NotTo(HavePrefix("LivepeerTask "), "Flux counts a task as its own")
	}
}

// testDelete: CRDs go with the Kustomization that brought them, but for those that are annotated.
func (f *fluxCluster) testDelete() {
	kept := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "livepeertasksources." + v1alpha1.GroupVersion.Group}}
	annotation := []byte(`{"metadata":{"annotations":{"kustomize.toolkit.fluxcd.io/prune":"disabled"}}}`)
	f.Expect(f.Patch(f.t.Context(), kept, client.RawPatch(types.MergePatchType, annotation))).To(Succeed())
	f.Expect(f.Delete(f.t.Context(), f.object(operatorName))).To(Succeed())
	f.Eventually(f.crds, gitopsBound).Should(ConsistOf("LivepeerTaskSource"))
	f.Expect(f.gone(kept)).To(BeFalse())
	f.Expect(kept.DeletionTimestamp).To(BeNil())
	f.Expect(f.gone(sourceCalled("main"))).To(BeFalse())
}
