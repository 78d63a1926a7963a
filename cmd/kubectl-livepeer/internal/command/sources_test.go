// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func TestSync(t *testing.T) {
	w := newWorld(t)
	w.Expect(w.runs(1, "sync")).To(ContainSubstring("no source in the namespace " + w.namespace))
	s := w.source("main", is("True", "Synced", "all is well"))
	w.Expect(w.runs(0, "sync", "--no-wait")).To(ContainSubstring("a sync is asked for"))
	w.Expect(w.runs(2, "sync", "--timeout", "500ms")).To(ContainSubstring("it says Synced: all is well; kubectl livepeer doctor"))
	interrupted := w.start([]string{"sync", "--timeout", "0"})
	w.Consistently(interrupted.done, 300*time.Millisecond).ShouldNot(BeClosed())
	interrupted.stop()
	w.Expect(w.ends(interrupted, exitInterrupted).err.String()).To(BeEmpty())
	before := w.now(s).Annotations[v1alpha1.AnnotationRequestedAt]

	sync := w.start([]string{"sync", "main"})
	request := ""
	w.Eventually(func() string { request = w.now(s).Annotations[v1alpha1.AnnotationRequestedAt]; return request }, soon).ShouldNot(Equal(before))
	w.Consistently(sync.done, 300*time.Millisecond).ShouldNot(BeClosed())
	s.Status.LastHandledReconcileAt, s.Status.Tasks.Total = request, 7
	w.Expect(admin.Status().Update(t.Context(), s)).To(Succeed())
	w.Expect(w.ends(sync, 0).out.String()).To(MatchRegexp(`source main: synced in \S+, 7 tasks mirrored`))

	refused := w.now(s)
	refused.Status.Conditions[0].Status, refused.Status.Conditions[0].Reason, refused.Status.Conditions[0].Message = "False", "Unauthorized", "401."
	w.Expect(admin.Status().Update(t.Context(), refused)).To(Succeed())
	sync = w.start([]string{"sync", "main"})
	w.Eventually(sync.err.String, soon).Should(Equal("fail  source main: Unauthorized: 401; docs/runbook.md says what to do about Unauthorized\n"))
	sync.stop()
	w.ends(sync, exitInterrupted)

	for _, c := range []struct {
		says    string
		happens func()
	}{
		{"source main is suspended", func() { w.runs(0, "suspend") }},
		{"was deleted meanwhile", func() { w.Expect(admin.Delete(t.Context(), s)).To(Succeed()) }},
	} {
		w.runs(0, "resume")
		before = w.now(s).Annotations[v1alpha1.AnnotationRequestedAt]
		sync = w.start([]string{"sync", "main"})
		w.Eventually(func() string { return w.now(s).Annotations[v1alpha1.AnnotationRequestedAt] }, soon).ShouldNot(Equal(before))
		c.happens()
		w.Expect(w.ends(sync, 1).err.String()).To(ContainSubstring(c.says))
	}
}

func TestSuspendAndResume(t *testing.T) {
	w := newWorld(t)
	w.Expect(w.runs(1, "suspend", "--all")).To(ContainSubstring("no source in the namespace"))
	a, b := w.source("a", is("True", "Synced", "")), w.source("b", is("True", "Synced", ""))
	w.Expect(w.runs(1, "suspend")).To(ContainSubstring("has 2 sources; name one of them: a, b"))
	w.Expect(w.runs(0, "suspend", "a")).To(Equal("source a suspended\n"))
	w.Expect([]bool{w.now(a).Spec.Suspend, w.now(b).Spec.Suspend}).To(Equal([]bool{true, false}))
	w.Expect(w.runs(1, "sync", "a")).To(ContainSubstring("kubectl livepeer resume a"))
	w.Expect(w.now(a).Annotations).To(BeEmpty(), "nothing is asked for that would come later")
	w.Expect(w.runs(1, "suspend", "a", "b")).To(ContainSubstring("takes one source"))
	w.Expect(w.runs(0, "suspend", "--all")).To(Equal("source a was suspended already\nsource b suspended\n"))
	w.Expect(w.runs(0, "resume", "--all")).To(Equal("source a resumed\nsource b resumed\n"))
	w.Expect([]bool{w.now(a).Spec.Suspend, w.now(b).Spec.Suspend}).To(Equal([]bool{false, false}))
	w.Expect(w.runs(1, "resume", "a", "--all")).To(ContainSubstring("leave out the name, or --all"))
}

func TestConfirmDeletion(t *testing.T) {
	w := newWorld(t)
	well := w.source("well", is("True", "Synced", ""))
	w.Expect(w.runs(1, "confirm-deletion")).To(ContainSubstring("no deletion to confirm"))
	message := "67 of 87 mirrored tasks are missing from the API; ...: kubectl annotate --overwrite livepeertasksource -n x main studio.livepeer.org/confirm-prune=f1514baf9b1e"
	s := w.source("main", is("False", "PruningPaused", message))
	confirmed := func() string { return w.now(s).Annotations[v1alpha1.AnnotationConfirmPrune] }

	p := w.ends(w.start([]string{"confirm-deletion", "main"}), 1)
	w.Expect(p.out.String()).To(ContainSubstring(message))
	w.Expect(p.err.String()).To(ContainSubstring("add --yes"))
	w.Expect(confirmed()).To(BeEmpty())
	for answer, code := range map[string]int{"n\n": 1, "\n": 1} {
		terminal := w.terminal()
		p := w.start([]string{"confirm-deletion", "main"}, terminal.streams)
		terminal.types(answer, "[y/N]")
		w.ends(p, code)
		w.Expect(confirmed()).To(BeEmpty())
	}
	terminal := w.terminal()
	p = w.start([]string{"confirm-deletion", "main"}, terminal.streams)
	w.Eventually(terminal.shown.String, soon).Should(ContainSubstring("[y/N]"))
	p.stop() // Ctrl-C
	w.ends(p, exitInterrupted)
	terminal.types("\n", "[y/N]") // so that nobody reads any more
	w.Expect(confirmed()).To(BeEmpty())

	terminal = w.terminal()
	p = w.start([]string{"confirm-deletion", "main"}, terminal.streams)
	terminal.types("y\n", "[y/N]")
	w.ends(p, 0)
	w.Expect(confirmed()).To(Equal("f1514baf9b1e"))

	message = message[:len(message)-12] + "000000000000"
	s.Status.Conditions[0].Message = message
	w.Expect(admin.Status().Update(t.Context(), s)).To(Succeed())
	w.Expect(w.runs(0, "confirm-deletion", "main", "--yes")).To(ContainSubstring("confirmed"))
	w.Expect(confirmed()).To(Equal("000000000000"))
	w.Expect(w.now(well).Annotations).To(BeEmpty())
}

func TestDoctor(t *testing.T) {
	w := newWorld(t)
	w.Expect(w.runs(1, "doctor")).To(And(MatchRegexp(`(?m)^ok    CRDs: `), MatchRegexp(`(?m)^warn  sources: none in `)))
	w.operator()
	s := w.source("main", is("True", "Synced", "all is well"))
	w.Expect(w.runs(1, "doctor")).To(ContainSubstring("fail  source main: Secret livepeer is not there"))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "livepeer"}, StringData: map[string]string{"apiKey": "canary-of-the-key"}}
	w.Expect(admin.Create(t.Context(), secret)).To(Succeed())
	report := w.runs(0, "doctor")
	for _, line := range []string{
		`operator: ` + w.namespace + `/manager, 1 of 1 replicas ready, ghcr.io/x:v1`, `your rights: you may list livepeertasks,`,
		`source main: Synced: all is well`, `source main: Secret livepeer has an apiKey`, `source main: livepeer.studio answers`, `source main: last poll`,
	} {
		w.Expect(report).To(MatchRegexp(`(?m)^ok    ` + line))
	}
	w.Expect(report).NotTo(ContainSubstring("canary"))

	s = w.now(s)
	s.Status.Conditions[0].Status, s.Status.Conditions[0].Reason, s.Status.Conditions[0].Message = "False", "Unauthorized", "the API answered 401"
	w.Expect(admin.Status().Update(t.Context(), s)).To(Succeed())
	w.Expect(w.runs(1, "doctor")).To(MatchRegexp(`(?m)^fail  source main: Unauthorized: the API answered 401; docs/runbook.md`))
	nobody := w.ends(w.start([]string{"doctor", "--as", "nobody"}), 1)
	w.Expect(nobody.out.String()).To(And(
		MatchRegexp(`(?m)^warn  operator: can't be looked for`), MatchRegexp(`(?m)^fail  your rights: you may not list livepeertasks, `)))
	w.Expect(nobody.err.String()).To(BeEmpty(), "the report says it all")
	another := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "another", Labels: w.deployment.Labels}, Spec: w.deployment.Spec}
	w.whileTested(another)
	w.Expect(w.runs(1, "doctor")).To(MatchRegexp(`(?m)^fail  source main: served by \S+ and \S+, which write against each other`))
	w.Expect(w.runs(1, "doctor", "--server", "https://127.0.0.1:1")).To(ContainSubstring("can't be reached"))
}

// operator stores a Deployment like the operator's, which is ready, and the Service of its receiver.
func (w *world) operator() {
	w.t.Helper()
	labels := func(component string) map[string]string {
		return map[string]string{"app.kubernetes.io/name": "livepeer-task-operator", "app.kubernetes.io/component": component}
	}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "manager", Labels: labels("manager")}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels("manager")}
	d.Spec.Template.Labels = labels("manager")
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "manager", Image: "ghcr.io/x:v1"}}
	w.whileTested(d)
	w.deployment = d
	d.Status.Replicas, d.Status.ReadyReplicas = 1, 1
	w.Expect(admin.Status().Update(w.t.Context(), d)).To(Succeed())
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "receiver", Labels: labels("receiver")}}
	service.Spec.Ports = []corev1.ServicePort{{Port: 9292}}
	w.whileTested(service)
}

// whileTested stores what other tests would see, too.
func (w *world) whileTested(object client.Object) {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	w.Expect(admin.Create(ctx, object)).To(Succeed())
	w.t.Cleanup(func() { w.Expect(admin.Delete(ctx, object)).To(Succeed()) })
}

// TestAViewerChangesNothing: what somebody may not do is an error, and says which right to ask for.
func TestAViewerChangesNothing(t *testing.T) {
	w := newWorld(t)
	s := w.source("main", is("False", "PruningPaused", "studio.livepeer.org/confirm-prune=f1514baf9b1e"))
	view := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "view"}, Rules: []rbacv1.PolicyRule{{
		Verbs: []string{"get", "list", "watch"}, APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"*"},
	}}}
	w.Expect(admin.Create(t.Context(), view)).To(Succeed())
	w.Expect(admin.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "view"}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "view"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: "viewer"}},
	})).To(Succeed())
	for _, args := range [][]string{{"suspend"}, {"sync"}, {"confirm-deletion", "--yes"}} {
		w.Eventually(func() string { // rights take a moment
			return w.ends(w.start(append(args, "--as", "viewer")), 1).err.String()
		}, soon).Should(And(ContainSubstring("cannot patch resource"), ContainSubstring("edit (to change)")))
	}
	w.Expect(w.now(s).Annotations).To(BeEmpty())
	w.Expect(s.Spec.Suspend).To(BeFalse())
	s.Status.Receiver = &v1alpha1.ReceiverStatus{Path: "/hooks/media/main"}
	w.Expect(admin.Status().Update(t.Context(), s)).To(Succeed())
	w.Expect(w.runs(0, "webhook", "--as", "viewer")).To(And(
		ContainSubstring("https://<your host>/hooks/media/main"), ContainSubstring("can't be told"), Not(ContainSubstring("leads there yet"))))
}

func TestWebhook(t *testing.T) {
	w := newWorld(t)
	s := w.source("main", is("True", "Synced", ""))
	w.Expect(w.runs(1, "webhook")).To(And(ContainSubstring("put a webhookSecret"), ContainSubstring("--receiver-bind-address")))
	s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReceiving, Status: "False", Reason: "InvalidWebhookSecret", Message: "too short", LastTransitionTime: metav1.Now(),
	})
	w.Expect(admin.Status().Update(t.Context(), s)).To(Succeed())
	w.Expect(w.runs(1, "webhook")).To(ContainSubstring("InvalidWebhookSecret: too short"))
	s.Status.Receiver = &v1alpha1.ReceiverStatus{Path: "/hooks/media/main"}
	w.Expect(admin.Status().Update(t.Context(), s)).To(Succeed())
	w.Expect(w.runs(0, "webhook")).To(And(
		ContainSubstring("https://<your host>/hooks/media/main"), ContainSubstring("task.spawned, task.updated, task.completed, task.failed"),
		ContainSubstring("Secret livepeer"), ContainSubstring("No Ingress or HTTPRoute leads there yet")))
	w.Expect(w.runs(0, "webhook", "main", "--as", "admin-of-sources", "--as-group", "system:masters")).To(ContainSubstring("/hooks/media/main"))

	w.operator()
	prefix := networkingv1.PathTypePrefix
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "hooks"}}
	ingress.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"hooks.example.com"}}}
	ingress.Spec.Rules = []networkingv1.IngressRule{{Host: "hooks.example.com"}}
	ingress.Spec.Rules[0].HTTP = &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
		Path: "/hooks/", PathType: &prefix,
		Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "receiver", Port: networkingv1.ServiceBackendPort{Number: 9292}}},
	}}}
	w.whileTested(ingress)
	found := w.runs(0, "webhook")
	w.Expect(found).To(MatchRegexp(`URL +https://hooks.example.com/hooks/media/main  \(Ingress ` + w.namespace + `/hooks\)`))
	w.Expect(found).NotTo(Or(ContainSubstring("<your host>"), ContainSubstring("leads there yet")))

	w.runs(0, "suspend")
	s = w.now(s)
	s.Status.Receiver, s.Status.Conditions = nil, s.Status.Conditions[:1]
	w.Expect(admin.Status().Update(t.Context(), s)).To(Succeed())
	w.Expect(w.runs(1, "webhook")).To(ContainSubstring("is suspended and receives no webhooks; kubectl livepeer resume main"))
}
