// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Velero itself with its plugin for S3, the Schedule and the Restore of the page, and the operator's own binary with a simulated Studio:
// one cluster is backed up and lost, and another is restored from that. A second backup has the tasks, too.
func TestVelero(t *testing.T) {
	s3 := startS3(t)
	_, url := (&gitopsCluster{t: t}).startStudio()
	var scheduled string
	var tasks []string
	t.Run("backup", func(t *testing.T) {
		v := newVeleroCluster(t, s3)
		v.Expect(v.plane.Install(t.Context())).To(Succeed())
		v.mirror(url)
		tasks = v.tasks()
		scheduled = v.testBackup(tasks)
	})
	if t.Failed() {
		return
	}
	v := newVeleroCluster(t, s3)
	v.restart()
	for _, backup := range []string{scheduled, "with-tasks"} {
		v.Eventually(v.phase, gitopsBound).WithArguments("Backup", backup).Should(Equal("Completed"))
	}
	t.Run("without the operator", func(t *testing.T) { v.in(t).testWithoutOperator(scheduled) })
	t.Run("without the policy", func(t *testing.T) { v.in(t).testWithoutPolicy(tasks) })
	t.Run("with tasks", func(t *testing.T) { v.in(t).testWithTasks() })
	t.Run("restore", func(t *testing.T) { v.in(t).testRestore(scheduled, tasks) })
}

// testBackup returns the name of a backup that is made of the Schedule.
func (v *veleroCluster) testBackup(tasks []string) string {
	v.run("backup", "create", "too-early", "--include-namespaces=media", "--wait")
	v.Expect(v.phase("Backup", "too-early")).To(Equal("Completed"))
	v.Expect(v.contents("too-early")).NotTo(HaveKey(ContainSubstring("LivepeerTask")), "Velero knows kinds that are new: the page says that it does not")
	v.restart()

	v.Expect(v.plane.Apply(v.t.Context(), lastOf(v.t, "velero.md", "Schedule"))).To(Succeed())
	v.Eventually(v.phase, gitopsBound).WithArguments("Schedule", "media").Should(Equal("Enabled"))
	scheduled := regexp.MustCompile(`media-\d{14}`).FindString(v.run("backup", "create", "--from-schedule=media", "--wait"))
	v.Expect(v.phase("Backup", scheduled)).To(Equal("Completed"))
	contents := map[string][]string{
		"v1/Namespace": {"media"},
		"v1/Secret":    {"media/livepeer"},
		"studio.livepeer.org/v1alpha1/LivepeerTaskSource":  {"media/main"},
		"apiextensions.k8s.io/v1/CustomResourceDefinition": {"livepeertasksources.studio.livepeer.org"},
	}
	v.Expect(v.contents(scheduled)).To(Equal(contents))

	v.run("backup", "create", "with-tasks", "--include-namespaces=media", "--wait")
	v.Expect(v.phase("Backup", "with-tasks")).To(Equal("Completed"))
	for _, task := range tasks {
		contents["studio.livepeer.org/v1alpha1/LivepeerTask"] = append(contents["studio.livepeer.org/v1alpha1/LivepeerTask"], "media/"+task)
	}
	contents["apiextensions.k8s.io/v1/CustomResourceDefinition"] = []string{"livepeertasks.studio.livepeer.org", "livepeertasksources.studio.livepeer.org"}
	v.Expect(v.contents("with-tasks")).To(Equal(contents))
	return scheduled
}

// testWithoutOperator: the CRDs stay in the backup, and the source with them.
func (v *veleroCluster) testWithoutOperator(backup string) {
	v.Expect(v.restore("without-operator", backup)).To(Equal("PartiallyFailed, 1 errors, 0 warnings"))
	v.Expect(v.run("restore", "describe", "without-operator")).To(ContainSubstring(
		"error restoring livepeertasksources.studio.livepeer.org/media/main: the server could not find the requested resource"))
	v.Expect(v.gone(key())).To(BeFalse())
	v.Expect(v.crds()).To(BeEmpty())
}

// testWithoutPolicy: tasks are restored without status and owner, and the operator takes them over.
func (v *veleroCluster) testWithoutPolicy(tasks []string) {
	v.Expect(v.plane.Install(v.t.Context(), "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")).To(Succeed())
	v.Expect(v.restore("without-policy", "with-tasks", "excludedResources")).To(Equal("Completed, 0 errors, 0 warnings"))
	v.Expect(v.tasks()).To(Equal(tasks))
	list := &v1alpha1.LivepeerTaskList{}
	v.Expect(v.List(v.t.Context(), list)).To(Succeed())
	for i := range list.Items {
		v.Expect(list.Items[i].OwnerReferences).To(BeEmpty())
		v.Expect(list.Items[i].Status).To(Equal(v1alpha1.LivepeerTaskStatus{ObservedGeneration: -1}))
	}
	restored := v.tasksOf("main")
	v.startOperator()
	v.Eventually(func(g Gomega) {
		g.Expect(v.List(v.t.Context(), list)).To(Succeed())
		source := v.source()
		for i := range list.Items {
			g.Expect(metav1.IsControlledBy(&list.Items[i], source)).To(BeTrue())
			g.Expect(list.Items[i].Status.Phase).NotTo(BeEmpty())
		}
	}, gitopsBound).Should(Succeed())
	v.Expect(v.tasksOf("main")).To(Equal(restored))
}

// testWithTasks: Velero may do everything, but for creating tasks.
func (v *veleroCluster) testWithTasks() {
	v.empty()
	v.Expect(v.plane.Install(v.t.Context())).To(Succeed())
	refused := "LivepeerTasks mirror Livepeer Studio and are created only by the Livepeer task operator"
	task := &v1alpha1.LivepeerTask{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "refused"}, Spec: v1alpha1.LivepeerTaskSpec{ID: "refused"}}
	v.Eventually(func() error { return v.Create(v.t.Context(), task.DeepCopy(), client.DryRunAll) }, gitopsBound).
		Should(MatchError(ContainSubstring(refused)))

	v.Expect(v.restore("with-tasks", "with-tasks", "excludedResources")).To(Equal("PartiallyFailed, 20 errors, 0 warnings"))
	v.Expect(regexp.MustCompile(refused).FindAllString(v.run("restore", "describe", "with-tasks"), -1)).To(HaveLen(20))
	v.Expect(v.tasks()).To(BeEmpty())
	v.Expect(v.gone(sourceCalled("main"))).To(BeFalse())
	v.Expect(v.gone(key())).To(BeFalse())

	v.empty()
	v.Expect(v.restore("without-tasks", "with-tasks")).To(Equal("Completed, 0 errors, 0 warnings"))
	v.Expect(v.gone(sourceCalled("main"))).To(BeFalse())
}

// testRestore does what the page does.
func (v *veleroCluster) testRestore(backup string, tasks []string) {
	v.empty()
	v.Expect(v.restore("media", backup)).To(Equal("Completed, 0 errors, 0 warnings"))
	v.Expect(v.source().Status).To(Equal(v1alpha1.LivepeerTaskSourceStatus{ObservedGeneration: -1}))
	v.Expect(v.gone(key())).To(BeFalse())
	v.Expect(v.tasks()).To(BeEmpty())
	v.startOperator()
	v.Eventually(v.tasks, gitopsBound).Should(Equal(tasks))
	v.sync("now", v1alpha1.ReasonSynced)
}

// tasks are the names of the source's tasks.
func (v *veleroCluster) tasks() []string { return slices.Sorted(maps.Keys(v.tasksOf("main"))) }

func (v *veleroCluster) source() *v1alpha1.LivepeerTaskSource {
	source := sourceCalled("main")
	v.Expect(v.Get(v.t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
	return source
}

// key is the Secret of the source.
func key() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "livepeer"}}
}

// empty deletes what is in the namespace.
func (v *veleroCluster) empty() {
	v.t.Helper()
	for _, kind := range []client.Object{&v1alpha1.LivepeerTask{}, &v1alpha1.LivepeerTaskSource{}, &corev1.Secret{}} {
		v.Expect(v.DeleteAllOf(v.t.Context(), kind, client.InNamespace("media"))).To(Succeed())
	}
}
