// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const forged = `{"apiVersion": "studio.livepeer.org/v1alpha1", "kind": "LivepeerTask", "metadata": {"name": "forged"},
	"spec": {"id": "forged", "type": "upload"}}`

// enforcePolicy installs the admission policy of config/default for this world alone: other tests forge tasks.
func (w *world) enforcePolicy() {
	w.t.Helper()
	objects, err := cluster.Render(w.ctx, "config/default")
	w.Expect(err).NotTo(HaveOccurred())
	for _, object := range objects {
		switch object.GetKind() {
		case "ValidatingAdmissionPolicy":
			object.SetName(w.namespace)
		case "ValidatingAdmissionPolicyBinding":
			binding := &admissionv1.ValidatingAdmissionPolicyBinding{}
			w.Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, binding)).To(Succeed())
			binding.Name, binding.Spec.PolicyName = w.namespace, w.namespace
			binding.Spec.MatchResources = &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{
				MatchLabels: map[string]string{"kubernetes.io/metadata.name": w.namespace},
			}}
			content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(binding)
			w.Expect(err).NotTo(HaveOccurred())
			object = &unstructured.Unstructured{Object: content}
		default:
			continue
		}
		w.Expect(cluster.Apply(w.ctx, object)).To(Succeed())
		w.t.Cleanup(func() { w.Expect(w.client.Delete(context.Background(), object)).To(Succeed()) })
	}
	w.Eventually(func() string {
		out, _ := w.kubectl(forged, "create", "--dry-run=server", "-f", "-")
		return out
	}, soon, tick).Should(ContainSubstring("create the task in Studio"))
}

// namespaceOwner is a person who may do everything in the namespace.
func (w *world) namespaceOwner() string {
	w.t.Helper()
	const name = "owner"
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}},
	}
	w.Expect(w.client.Create(w.ctx, role)).To(Succeed())
	w.bind("Role", name, rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: w.namespace + "-owner"})
	return w.namespace + "-owner"
}

// bind gives somebody a role in this world's namespace.
func (w *world) bind(kind, role string, subject rbacv1.Subject) {
	w.t.Helper()
	w.Expect(w.client.Create(w.ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "test-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
		Subjects:   []rbacv1.Subject{subject},
	})).To(Succeed())
}

// TestNobodyForgesATask: not the owner of the namespace, not an administrator of the cluster, and not a ServiceAccount that
// the owner gives all rights that there are. kubectl shows why. The operator goes on.
func TestNobodyForgesATask(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 100)
	w.enforcePolicy()
	id, owner := w.aTask("running"), w.namespaceOwner()
	before := w.task(id)
	accomplice := w.accomplice()

	for who, as := range map[string][]string{
		"owner": {"--as=" + owner}, "administrator": nil, "accomplice": {"--as=" + accomplice},
	} {
		for _, attempt := range []struct {
			stdin string
			args  []string
			why   string
		}{
			{forged, []string{"create", "-f", "-"}, "create the task in Studio"},
			{forged, []string{"apply", "--server-side", "-f", "-"}, "create the task in Studio"},
			{"", patch(id, `{"spec": {"projectId": "forged"}}`), "change the task in Studio. Labels and annotations can be set here"},
			{"", patch(id, `{"spec": {"params": null, "requesterId": "forged"}}`), "change the task in Studio"},
			{"", patch(id, `{"status": {"phase": "forged"}}`, "--subresource=status"), "change the task in Studio"},
			{"", patch(id, `{"status": null}`, "--subresource=status"), "change the task in Studio"},
			{"", []string{"label", "--overwrite", "lpt", id, v1alpha1.LabelSource + "=forged"}, "Other labels can be set"},
			{"", []string{"label", "lpt", id, v1alpha1.LabelType + "-"}, "Other labels can be set"},
			{"", patch(id, `{"metadata": {"labels": null}}`), "Other labels can be set"},
			{"", patch(id, `{"metadata": {"finalizers": ["example.com/forged"]}}`), "Owner references and finalizers"},
			{"", patch(id, `{"metadata": {"ownerReferences": null}}`), "Owner references and finalizers"},
		} {
			out, err := w.kubectl(attempt.stdin, append(attempt.args, as...)...)
			w.Expect(err).To(HaveOccurred(), "%s: %v", who, attempt.args)
			w.Expect(out).To(And(ContainSubstring("Error from server (Forbidden)"), ContainSubstring(attempt.why)),
				"%s: %v", who, attempt.args)
		}
	}
	after := w.task(id)
	w.Expect(after.Generation).To(Equal(before.Generation))
	w.Expect(after.Labels).To(Equal(before.Labels))
	w.Expect(after.OwnerReferences).To(Equal(before.OwnerReferences))

	w.studio.Update(id, completed)
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
}

func patch(id, change string, args ...string) []string {
	return append([]string{"patch", "lpt", id, "--type=merge", "-p", change}, args...)
}

// accomplice is a ServiceAccount that has got every right in the namespace, by name and by wildcard.
func (w *world) accomplice() string {
	w.t.Helper()
	account := rbacv1.Subject{Kind: "ServiceAccount", Namespace: w.namespace, Name: "accomplice"}
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: account.Name},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"livepeertasks", "livepeertasks/status"},
			Verbs: []string{"get", "list", "create", "update", "patch", "mirror"},
		}},
	}
	w.Expect(w.client.Create(w.ctx, role)).To(Succeed())
	w.bind("Role", role.Name, account)
	return "system:serviceaccount:" + w.namespace + ":" + account.Name
}

// TestWhatStaysPossible: labels, annotations and deletion by people; and the garbage collector's work.
func TestWhatStaysPossible(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 30)
	w.enforcePolicy()
	id := w.aTask("completed")
	as := "--as=" + w.namespaceOwner()
	allowed := func(args ...string) {
		w.t.Helper()
		out, err := w.kubectl("", args...)
		w.Expect(err).NotTo(HaveOccurred(), out)
	}
	allowed("label", "lpt", id, "team=video", as)
	allowed("annotate", "lpt", id, "note=mine", as)
	w.Expect(w.task(id).Labels).To(HaveKeyWithValue("team", "video"))
	allowed("label", "lpt", id, "team-", as)
	uid := w.task(id).UID
	allowed("delete", "lpt", id, as)
	w.Eventually(func(g Gomega) {
		task := &v1alpha1.LivepeerTask{}
		g.Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: id}, task)).To(Succeed())
		g.Expect(task.UID).NotTo(Equal(uid))
	}, soon, tick).Should(Succeed(), "put back by the operator")

	w.stop()
	// What Kubernetes does where the source is deleted with --cascade=orphan, and the task with --cascade=foreground.
	collector := []string{"--as=system:serviceaccount:kube-system:generic-garbage-collector", "--as-group=system:serviceaccounts:kube-system"}
	allowed(append(patch(id, `{"metadata": {"ownerReferences": null}}`), collector...)...)
	allowed("delete", "lpt", id, "--cascade=foreground", "--wait=false", as)
	w.Expect(w.task(id).Finalizers).To(ConsistOf(metav1.FinalizerDeleteDependents))
	allowed(append(patch(id, `{"metadata": {"finalizers": null}}`), collector...)...)
	allowed("wait", "lpt", id, "--for=delete", "--timeout=60s")
}

// TestOperatorNeedsTheWritersRole: one that is not bound to it is refused, says so, and works once it is bound.
func TestOperatorNeedsTheWritersRole(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	w.enforcePolicy()
	_, account := w.installNamespaced()
	w.studio.Populate(10, 1)
	w.secret(livepeertest.APIKey)
	w.source("main")
	options := w.asInMain(w.namespace)
	options.Metrics.BindAddress = "0"
	w.startManager(account, options, controller.Config{})
	w.Expect(w.eventuallyReady("main", v1alpha1.ReasonRefused).Message).To(ContainSubstring("created only by the Livepeer task operator"))

	// As docs/rights.md says.
	name := w.namespace + "-writer"
	out, err := w.kubectl("", "create", "clusterrolebinding", name, "--clusterrole=livepeer-task-operator-task-writer-role",
		"--serviceaccount="+w.namespace+":livepeer-task-operator-controller-manager")
	w.Expect(err).NotTo(HaveOccurred(), out)
	w.t.Cleanup(func() {
		binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}}
		w.Expect(w.client.Delete(context.Background(), binding)).To(Succeed())
	})
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Expect(w.tasks()).To(HaveLen(10))
}
