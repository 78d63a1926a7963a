// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// Argo CD itself, configured as its page says, with the Applications of the other page but for the address of their repository, and
// the operator's own binary with a simulated Studio: what is synced and healthy and when, what rests, what actions do and what is pruned.
func TestArgoCD(t *testing.T) {
	a := newArgoCluster(t)
	studio, url := a.startStudio()
	for i, phase := range []string{"failed", "running"} {
		a.Expect(studio.Update(studio.IDs()[i], func(task livepeertest.Task) {
			task["status"] = map[string]any{"phase": phase, "updatedAt": time.Now().UnixMilli()}
		})).To(BeTrue())
	}
	a.Expect(os.CopyFS(filepath.Join(a.repository, "config"), os.DirFS("../../config"))).To(Succeed())
	a.git(a.repository, "init", "--quiet", "--initial-branch=main")
	a.commit(url, "", "main")
	a.git(a.repository, "tag", "v0.1.0")
	// The sources, for which there are no CRDs, and the operator, which brings them.
	a.apply("media")
	a.Eventually(a.status, gitopsBound).WithArguments("media", "operationState", "message").Should(ContainSubstring("no matches for kind"))
	a.apply(operatorName)
	a.Eventually(a.state, gitopsBound).WithArguments(operatorName).Should(Equal("Synced Progressing"))
	a.Expect(a.crds()).To(ConsistOf("LivepeerTask", "LivepeerTaskSource"))
	a.rollOut()
	a.Eventually(a.state, gitopsBound).WithArguments(operatorName).Should(Equal("Synced Healthy"))
	a.addKey()
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Progressing"))
	a.Consistently(a.state, 6*time.Second).WithArguments("media").Should(Equal("Synced Progressing"), "no source is synced")
	a.startOperator()
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Healthy"))
	a.Expect(a.tasksOf("main")).To(HaveLen(20))

	t.Run("rests", func(t *testing.T) { a.in(t).testRests() })
	t.Run("tree", func(t *testing.T) { a.in(t).testTree() })
	t.Run("stalled", func(t *testing.T) { a.in(t).testStalled(studio) })
	t.Run("actions", func(t *testing.T) { a.in(t).testActions() })
	t.Run("rights", func(t *testing.T) { a.in(t).testRights() })
	t.Run("self heal", func(t *testing.T) { a.in(t).testSelfHeal(url) })
	t.Run("prune", func(t *testing.T) { a.in(t).testPrune(url) })
	t.Run("many tasks", func(t *testing.T) { a.in(t).testManyTasks() })
	t.Run("CRDs", func(t *testing.T) { a.in(t).testCRDs() })
	t.Run("delete", func(t *testing.T) { a.in(t).testDelete() })
}

// apply applies an Application of the page, but for the address of its repository.
func (a *argoCluster) apply(name string) {
	a.t.Helper()
	for _, object := range pages(a.t)["gitops.md"] {
		if object.GroupVersionKind() == applications && object.GetName() == name {
			a.Expect(unstructured.SetNestedField(object.Object, "file://"+a.repository, "spec", "source", "repoURL")).To(Succeed())
			a.Expect(a.plane.Apply(a.t.Context(), object)).To(Succeed())
			return
		}
	}
	a.t.Fatal("the page has no Application ", name)
}

// testRests: Argo CD sees no difference in what the API server defaults and the operator writes, and writes nothing anew.
func (a *argoCluster) testRests() {
	for _, name := range []string{operatorName, "media"} {
		before, synced := a.versions(name), a.status(name, "operationState", "finishedAt")
		a.refresh(name)
		a.Expect(a.state(name)).To(HavePrefix("Synced "), name)
		a.Expect(a.versions(name)).To(Equal(before), name)
		a.Expect(a.status(name, "operationState", "finishedAt")).To(Equal(synced), "synced anew")
		a.argocd("app", "sync", name)
		a.Expect(a.versions(name)).To(Equal(before), name)
		a.patch(name, `{"metadata":{"annotations":{"argocd.argoproj.io/compare-options":"ServerSideDiff=true"}}}`)
		a.refresh(name)
		a.Expect(a.state(name)).To(HavePrefix("Synced "), "%s, compared by the API server", name)
		a.patch(name, `{"metadata":{"annotations":{"argocd.argoproj.io/compare-options":null}}}`)
		a.Expect(a.versions(name)).To(Equal(before), name)
	}
}

// testTree: tasks are children of their source, each with its health, of which the Application's is none.
func (a *argoCluster) testTree() {
	tasks := &v1alpha1.LivepeerTaskList{}
	a.Expect(a.List(a.t.Context(), tasks, client.InNamespace("media"))).To(Succeed())
	want := map[string]string{}
	for i := range tasks.Items {
		health := map[string]string{"completed": "Healthy", "failed": "Degraded", "cancelled": "Degraded"}[tasks.Items[i].Status.Phase]
		want[tasks.Items[i].Name] = cmp.Or(health, "Progressing")
	}
	a.Expect(slices.Collect(maps.Values(want))).To(ContainElements("Healthy", "Degraded", "Progressing"))
	a.Eventually(func() map[string]string {
		found := map[string]string{}
		for _, task := range a.tree("media") {
			a.Expect(task.ParentRefs).To(HaveLen(1))
			a.Expect(task.ParentRefs[0].Kind + " " + task.ParentRefs[0].Name).To(Equal("LivepeerTaskSource main"))
			found[task.Name] = task.Health.Status
		}
		return found
	}, gitopsBound).Should(Equal(want))
	a.Expect(a.state("media")).To(Equal("Synced Healthy"))
}

// testStalled: a source that needs somebody's help.
func (a *argoCluster) testStalled(studio *livepeertest.Server) {
	studio.RemoveKey(livepeertest.APIKey)
	a.sync("stalled", v1alpha1.ReasonUnauthorized)
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Degraded"))
	studio.AddKey(livepeertest.APIKey, livepeertest.ProjectID)
	a.sync("healed", v1alpha1.ReasonSynced)
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Healthy"))
}

func (a *argoCluster) main() *v1alpha1.LivepeerTaskSource {
	source := sourceCalled("main")
	a.Expect(a.Get(a.t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
	return source
}

// act runs one of the actions of the page.
func (a *argoCluster) act(action string) {
	a.t.Helper()
	a.argocd("app", "actions", "run", "media", action, "--kind=LivepeerTaskSource", "--resource-name=main")
}

// offered are the actions that are not greyed out.
func (a *argoCluster) offered() (names []string) {
	var actions []struct {
		Action   string
		Disabled bool
	}
	out := a.argocd("app", "actions", "list", "media", "--kind=LivepeerTaskSource", "--out=json")
	a.Expect(json.Unmarshal([]byte(out), &actions)).To(Succeed(), out)
	for _, action := range actions {
		if !action.Disabled {
			names = append(names, action.Action)
		}
	}
	return names
}

// testActions: with spec.suspend left out of git, no action makes a difference to it, and self-heal, which is on, undoes none.
func (a *argoCluster) testActions() {
	a.Expect(a.offered()).To(ConsistOf("sync", "suspend"))
	a.act("sync")
	request := a.main().Annotations[v1alpha1.AnnotationRequestedAt]
	a.Expect(time.Parse(time.RFC3339, request)).To(BeTemporally("~", time.Now(), time.Minute))
	a.Eventually(func() string { return a.main().Status.LastHandledReconcileAt }, gitopsBound).Should(Equal(request))
	a.refresh("media")
	a.Expect(a.state("media")).To(Equal("Synced Healthy"))

	a.act("suspend")
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Suspended"))
	a.Expect(a.offered()).To(ConsistOf("resume"))
	a.refresh("media")
	a.Expect(a.state("media")).To(Equal("Synced Suspended"))
	a.argocd("app", "sync", "media")
	a.Consistently(func() bool { return a.main().Spec.Suspend }, 6*time.Second).Should(BeTrue())
	a.act("resume")
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Healthy"))
}

// testRights: the rules of the page let somebody see an Application and run the actions, and do nothing else.
func (a *argoCluster) testRights() {
	text, err := os.ReadFile("../../docs/recipes/argocd.md")
	a.Expect(err).NotTo(HaveOccurred())
	rules := regexp.MustCompile("p, role:media, [^`\n]*").FindAllString(string(text), -1)
	a.Expect(rules).To(HaveLen(2))
	rules = append(rules, "g, media, role:media")
	for name, data := range map[string]map[string]any{
		"argocd-cm":      {"accounts.media": "apiKey"},
		"argocd-rbac-cm": {"policy.csv": strings.ReplaceAll(strings.Join(rules, "\n"), " media/*,", " default/*,")}, // the project
	} {
		patch := &unstructured.Unstructured{Object: map[string]any{"data": data}}
		patch.SetNamespace("argocd")
		patch.SetName(name)
		a.configure(patch)
	}
	var token string
	a.Eventually(func() error {
		token, err = a.try("account", "generate-token", "--account=media")
		return err
	}, gitopsBound, time.Second).Should(Succeed())
	as := "--auth-token=" + strings.TrimSpace(token)
	before := a.main().Annotations[v1alpha1.AnnotationRequestedAt]
	a.Eventually(func() error {
		_, err := a.try("app", "actions", "run", "media", "sync", "--kind=LivepeerTaskSource", as)
		return err
	}, gitopsBound, time.Second).Should(Succeed())
	a.Expect(a.main().Annotations[v1alpha1.AnnotationRequestedAt]).NotTo(Equal(before))
	out, err := a.try("app", "sync", "media", as)
	a.Expect(err).To(HaveOccurred(), out)
	a.Expect(err.Error()).To(ContainSubstring("permission denied"))
}

// testSelfHeal: with spec.suspend in git, Suspend makes a difference, which self-heal undoes.
func (a *argoCluster) testSelfHeal(url string) {
	a.commit(url, ", suspend: false", "main")
	a.patch("media", `{"spec":{"syncPolicy":{"automated":{"selfHeal":false}}}}`)
	a.refresh("media")
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Healthy"))
	a.act("suspend")
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("OutOfSync Suspended"))
	a.Consistently(func() bool { return a.main().Spec.Suspend }, 6*time.Second).Should(BeTrue())

	a.patch("media", `{"spec":{"syncPolicy":{"automated":{"selfHeal":true}}}}`)
	a.Eventually(a.state, gitopsBound).WithArguments("media").Should(Equal("Synced Healthy"))
	a.Expect(a.main().Spec.Suspend).To(BeFalse())
}
