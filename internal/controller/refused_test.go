// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admission "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// refuse makes the API server refuse writes of one task in this namespace, to the object or to a subresource of it, until
// the returned function is called.
func (w *world) refuse(resource, id string) (allow func()) {
	w.t.Helper()
	policy := &admission.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Spec: admission.ValidatingAdmissionPolicySpec{
			FailurePolicy: new(admission.Fail),
			MatchConstraints: &admission.MatchResources{ResourceRules: []admission.NamedRuleWithOperations{{
				RuleWithOperations: admission.RuleWithOperations{
					Operations: []admission.OperationType{admission.Create, admission.Update},
					Rule: admission.Rule{
						APIGroups: []string{v1alpha1.GroupVersion.Group}, APIVersions: []string{"*"}, Resources: []string{resource},
					},
				},
			}}},
			Validations: []admission.Validation{{
				Expression: fmt.Sprintf("object.spec.id != %q", id), Message: "not in this house",
			}},
		},
	}
	binding := &admission.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Spec: admission.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: w.namespace, ValidationActions: []admission.ValidationAction{admission.Deny},
			MatchResources: &admission.MatchResources{NamespaceSelector: &metav1.LabelSelector{
				MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace},
			}},
		},
	}
	w.Expect(w.client.Create(w.ctx, policy)).To(Succeed())
	w.Expect(w.client.Create(w.ctx, binding)).To(Succeed())
	return func() {
		w.t.Helper()
		w.Expect(w.client.Delete(w.ctx, binding)).To(Succeed())
		w.Expect(w.client.Delete(w.ctx, policy)).To(Succeed())
	}
}

// TestRefusedTaskIsShownAndTriedAgain: a task that a policy of the cluster does not let in keeps no other out, is named,
// is not tried again and again, and comes soon once it may, long before the next regular full sync.
func TestRefusedTaskIsShownAndTriedAgain(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	for _, resource := range []string{"livepeertasks", "livepeertasks/status"} {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.studio.Populate(30, 1)
			id := w.aTask("completed")
			allow := w.refuse(resource, id)
			w.Eventually(func() error { return w.probe(resource, id) }, soon, tick).ShouldNot(Succeed(), "a policy takes its time")
			w.secret(livepeertest.APIKey)
			w.source("main")
			w.startOperator()
			ready := w.eventuallyReady("main", v1alpha1.ReasonRefused)
			w.Expect(ready.Message).To(And(ContainSubstring("refuses to store 1 task; all others are mirrored"),
				ContainSubstring("task "+id), ContainSubstring("not in this house")))
			w.Eventually(func() map[string]string { return without(w.mirroredStates(), id) }, soon, tick).
				Should(Equal(without(w.states(), id)))
			w.rarelyWrites()

			allow()
			w.Eventually(func() error { return w.probe(resource, id) }, soon, tick).Should(Succeed())
			w.eventuallyReady("main", v1alpha1.ReasonSynced)
			w.eventuallyEqual()
			w.Expect(w.task(id).Status.ObservedGeneration).To(Equal(w.task(id).Generation))
		})
	}
}

// probe tries to write such a task as an administrator, and leaves nothing behind.
func (w *world) probe(resource, id string) error {
	w.t.Helper()
	task := &v1alpha1.LivepeerTask{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "probe"}}
	task.Spec.ID = id
	if resource == "livepeertasks" {
		return w.client.Create(w.ctx, task, client.DryRunAll)
	}
	w.Expect(w.client.Create(w.ctx, task)).To(Succeed())
	err := w.client.Status().Update(w.ctx, task.DeepCopy(), client.DryRunAll)
	w.Expect(w.client.Delete(w.ctx, task)).To(Succeed())
	return err
}

// rarelyWrites fails where more is written than one attempt a poll, and then none until the next full sync.
func (w *world) rarelyWrites() {
	w.t.Helper()
	before := w.writes()
	w.Consistently(func() int { return w.writes() - before }, 3*time.Second, time.Second).Should(BeNumerically("<=", 8))
	w.Eventually(func() int {
		before := w.writes()
		w.requestsIn(3 * time.Second)
		return w.writes() - before
	}, soon, tick).Should(BeZero())
}
