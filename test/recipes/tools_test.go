// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// tool is the path of a tool that make test-recipes builds. Building all of them takes minutes, so make test does without.
func tool(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("RECIPE_TOOLS")
	if dir == "" {
		t.Skipf("%s is not there: make test-recipes builds and runs it", name)
	}
	return filepath.Join(dir, name)
}

// applyPage applies the objects of a page but for those of some kinds, with the ServiceAccounts that they bind and the
// operator's roles for people.
func applyPage(t *testing.T, page string, leftOut ...string) {
	t.Helper()
	g := NewWithT(t)
	c := newClient(t)
	roles, err := cluster.Render(t.Context(), "config/default")
	g.Expect(err).NotTo(HaveOccurred())
	roles = slices.DeleteFunc(roles, func(o *unstructured.Unstructured) bool { return o.GetKind() != "ClusterRole" })
	g.Expect(cluster.Apply(t.Context(), roles...)).To(Succeed())
	for _, object := range pages(t)[page] {
		if slices.Contains(leftOut, object.GetKind()) {
			continue
		}
		newNamespace(t, c, object.GetNamespace())
		g.Expect(cluster.Apply(t.Context(), object)).To(Succeed())
		subjects, _, err := unstructured.NestedSlice(object.Object, "subjects")
		g.Expect(err).NotTo(HaveOccurred())
		for _, subject := range subjects {
			s := subject.(map[string]any)
			newNamespace(t, c, s["namespace"].(string))
			account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s["namespace"].(string), Name: s["name"].(string)}}
			g.Expect(client.IgnoreAlreadyExists(c.Create(t.Context(), account))).To(Succeed())
		}
	}
}

func newNamespace(t *testing.T, c client.Client, name string) {
	t.Helper()
	if name == "" { // the object has none
		return
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	NewWithT(t).Expect(client.IgnoreAlreadyExists(c.Create(t.Context(), namespace))).To(Succeed())
}

// newSource stores a source called main.
func newSource(t *testing.T, c client.Client, namespace string, conditions ...metav1.Condition) *v1alpha1.LivepeerTaskSource {
	t.Helper()
	source := newSourceWithoutStatus(t, c, namespace)
	setConditions(t, c, source, conditions...)
	return source
}

// setConditions replaces the conditions of a source.
func setConditions(t *testing.T, c client.Client, source *v1alpha1.LivepeerTaskSource, conditions ...metav1.Condition) {
	t.Helper()
	source.Status.ObservedGeneration = source.Generation
	source.Status.Conditions = nil
	for _, condition := range conditions {
		condition.Message, condition.ObservedGeneration, condition.LastTransitionTime = "why", source.Generation, metav1.Now()
		source.Status.Conditions = append(source.Status.Conditions, condition)
	}
	NewWithT(t).Expect(c.Status().Update(t.Context(), source)).To(Succeed())
}

func newSourceWithoutStatus(t *testing.T, c client.Client, namespace string) *v1alpha1.LivepeerTaskSource {
	t.Helper()
	newNamespace(t, c, namespace)
	source := &v1alpha1.LivepeerTaskSource{
		ObjectMeta: metav1.ObjectMeta{Name: "main", Namespace: namespace},
		Spec: v1alpha1.LivepeerTaskSourceSpec{
			SecretRef: v1alpha1.SecretReference{Name: "livepeer"},
			Interval:  metav1.Duration{Duration: time.Minute}, ResyncInterval: metav1.Duration{Duration: time.Hour},
			Timeout: metav1.Duration{Duration: time.Minute},
		},
	}
	NewWithT(t).Expect(c.Create(t.Context(), source)).To(Succeed())
	t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), source) }) // another page may have a source of this name
	return source
}

// newTask stores what the operator makes of a task of Studio, and returns its name.
func newTask(t *testing.T, c client.Client, namespace, raw string) string {
	t.Helper()
	task, status := newTaskWithoutStatus(t, c, namespace, raw)
	task.Status = status
	task.Status.ObservedGeneration = task.Generation
	for i := range task.Status.Conditions { // as the operator's writer does
		task.Status.Conditions[i].ObservedGeneration = task.Generation
	}
	NewWithT(t).Expect(c.Status().Update(t.Context(), task)).To(Succeed())
	return task.Name
}

// newTaskWithoutStatus stores a task as it is for a moment, and returns the status that it is to have.
func newTaskWithoutStatus(t *testing.T, c client.Client, namespace, raw string) (*v1alpha1.LivepeerTask, v1alpha1.LivepeerTaskStatus) {
	t.Helper()
	g := NewWithT(t)
	seen, err := mirror.Convert([]byte(raw), redact.New())
	g.Expect(err).NotTo(HaveOccurred())
	scope := plan.Scope{Namespace: namespace, Source: "main", SourceUID: "uid-of-main"}
	planned := plan.Plan(scope, []*mirror.Observation{seen}, func(string) (mirror.Entry, bool) { return mirror.Entry{}, false })
	task := planned.Actions[0].Desired
	status := task.Status
	g.Expect(c.Create(t.Context(), task)).To(Succeed())
	return task, status
}
