// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// fluxBound is shorter than the time-outs on the pages: a health check that fails within it did not wait for those.
const fluxBound = 2 * time.Minute

const operatorName = "livepeer-task-operator" // of the Kustomization and the GitRepository of gitops.md

// Flux's kustomize-controller itself, with the Kustomizations of both pages as they are, and the operator's own binary with a simulated
// Studio: what is applied and when, what is ready and what fails, what rests, and what is pruned.
func TestFlux(t *testing.T) {
	f := newFluxCluster(t, tool(t, "kustomize-controller"))
	studio := livepeertest.NewServer()
	studio.Populate(20, 1)
	server := httptest.NewServer(studio)
	t.Cleanup(server.Close)
	fleet := &unstructured.Unstructured{}
	lastOf(t, "gitops.md", "GitRepository").DeepCopyInto(fleet)
	fleet.SetName("fleet")
	f.Expect(f.plane.Apply(t.Context(), fleet, lastOf(t, "flux.md", "Kustomization"),
		lastOf(t, "gitops.md", "GitRepository"), lastOf(t, "gitops.md", "Kustomization"))).To(Succeed())
	f.publish(operatorName, "../..", "config")
	f.publishSources(server.URL+"/api", "main", "leaves", "stays")

	// The operator, and after it the sources.
	f.Eventually(f.ready, fluxBound).WithArguments(operatorName).Should(HavePrefix("Unknown Progressing: "))
	f.Eventually(f.ready, fluxBound).WithArguments("media").Should(HavePrefix("False DependencyNotReady: "))
	f.Eventually(f.crds, fluxBound).Should(ConsistOf("LivepeerTask", "LivepeerTaskSource"))
	f.rollOut()
	f.Eventually(f.ready, fluxBound).WithArguments(operatorName).Should(HavePrefix("True ReconciliationSucceeded: "))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "livepeer"}, StringData: map[string]string{"apiKey": livepeertest.APIKey}}
	f.Eventually(func() error { return f.Create(t.Context(), secret.DeepCopy()) }, fluxBound).Should(Succeed())
	f.Consistently(f.ready, 6*time.Second).WithArguments("media").Should(HavePrefix("Unknown Progressing: "), "no source is synced")
	f.startOperator()
	f.Eventually(f.ready, fluxBound).WithArguments("media").Should(HavePrefix("True ReconciliationSucceeded: "))
	f.Expect(f.tasksOf("main")).To(HaveLen(20))

	t.Run("rests", func(t *testing.T) { f.in(t).testRests() })
	t.Run("stalled", func(t *testing.T) { f.in(t).testStalled(studio) })
	t.Run("prune", func(t *testing.T) { f.in(t).testPrune(server.URL + "/api") })
}

// publishSources commits sources. One of them is not to be pruned.
func (f *fluxCluster) publishSources(url string, names ...string) {
	f.t.Helper()
	root := f.t.TempDir()
	manifests := []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: media}\n"}
	for _, name := range names {
		annotations := "{}"
		if name == "stays" {
			annotations = "{kustomize.toolkit.fluxcd.io/prune: disabled}"
		}
		manifests = append(manifests, fmt.Sprintf("apiVersion: studio.livepeer.org/v1alpha1\nkind: LivepeerTaskSource\n"+
			"metadata: {name: %s, namespace: media, annotations: %s}\nspec: {url: %q, secretRef: {name: livepeer}, interval: 1h, resyncInterval: 1h, suspend: %t}\n",
			name, annotations, url, name != "main")) // one source alone mirrors a project in a namespace
	}
	f.Expect(os.Mkdir(filepath.Join(root, "media"), 0o700)).To(Succeed())
	f.Expect(os.WriteFile(filepath.Join(root, "media", "sources.yaml"), []byte(strings.Join(manifests, "---\n")), 0o600)).To(Succeed())
	f.publish("fleet", root, "media")
}

// tasksOf are the UIDs of a source's tasks, by name.
func (f *fluxCluster) tasksOf(source string) map[string]string {
	tasks := &v1alpha1.LivepeerTaskList{}
	f.Expect(f.List(f.t.Context(), tasks, client.InNamespace("media"), client.MatchingLabels{v1alpha1.LabelSource: source})).To(Succeed())
	uids := map[string]string{}
	for i := range tasks.Items {
		uids[tasks.Items[i].Name] = string(tasks.Items[i].UID)
	}
	return uids
}

// testRests: a reconciliation writes nothing, neither Flux to what the operator writes, nor the operator to what Flux writes.
func (f *fluxCluster) testRests() {
	for _, name := range []string{operatorName, "media"} {
		before := f.versions(name)
		f.Expect(f.reconcile(name)).To(HavePrefix("True ReconciliationSucceeded: "))
		f.Expect(f.versions(name)).To(Equal(before), name)
	}
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

// sync lets the operator ask Studio now.
func (f *fluxCluster) sync(request, reason string) {
	f.t.Helper()
	source := sourceCalled("main")
	patch := client.RawPatch(client.Merge.Type(), fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationRequestedAt, request))
	f.Expect(f.Patch(f.t.Context(), source, patch)).To(Succeed())
	f.Eventually(func() string {
		f.Expect(f.Get(f.t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
		for _, condition := range source.Status.Conditions {
			if condition.Type == v1alpha1.ConditionReady {
				return condition.Reason
			}
		}
		return ""
	}, fluxBound).Should(Equal(reason))
}

// testPrune: a source that leaves git is deleted unless it is annotated; tasks, which never were in git, stay.
func (f *fluxCluster) testPrune(url string) {
	before := f.tasksOf("main")
	f.publishSources(url, "main")
	f.Eventually(f.gone, fluxBound).WithArguments(sourceCalled("leaves")).Should(BeTrue())
	f.Eventually(f.reconcile, fluxBound).WithArguments("media").Should(HavePrefix("True ReconciliationSucceeded: "))
	f.Expect(f.gone(sourceCalled("stays"))).To(BeFalse())
	f.Expect(f.gone(sourceCalled("main"))).To(BeFalse())
	f.Expect(f.tasksOf("main")).To(Equal(before))
	for name := range f.versions("media") {
		f.Expect(name).NotTo(HavePrefix("LivepeerTask "), "Flux counts a task as its own")
	}
}
