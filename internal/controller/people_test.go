// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// TestPeoplesRoles: what the roles that join view, edit and admin allow, verb by verb. The control plane of the tests
// aggregates nothing, so that they are bound by themselves here.
func TestPeoplesRoles(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct{ who, joins, tasks, sources string }{
		{"viewer", "view", "get list watch", "get list watch"},
		{"editor", "edit", "get list watch patch delete", "get list watch create update patch delete"},
		{"admin", "admin", "get list watch patch delete", "get list watch create update patch delete deletecollection"},
	} {
		user := w.namespace + "-" + tt.who
		for kind, allowed := range map[string]string{"livepeertask": tt.tasks, "livepeertasksource": tt.sources} {
			role := &rbacv1.ClusterRole{}
			name := "livepeer-task-operator-" + kind + "-" + tt.who + "-role"
			w.Expect(w.client.Get(w.ctx, client.ObjectKey{Name: name}, role)).To(Succeed())
			w.Expect(role.Labels).To(HaveKeyWithValue("rbac.authorization.k8s.io/aggregate-to-"+tt.joins, "true"))
			w.bind("ClusterRole", name, rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: user})
			w.Eventually(func() string { return w.verbs(user, kind+"s", "", allowed) }, soon, tick).Should(Equal(allowed))
			w.Eventually(func() string { return w.verbs(user, kind+"s", "status", "get") }, soon, tick).Should(Equal("get"))
		}
	}
}

// verbs lists what a user may do, beginning with those that are expected, in their order.
func (w *world) verbs(user, resource, subresource, expected string) string {
	w.t.Helper()
	verbs := strings.Fields(expected)
	for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "mirror", "other"} {
		if !strings.Contains(" "+expected+" ", " "+verb+" ") {
			verbs = append(verbs, verb)
		}
	}
	var allowed []string
	for _, verb := range verbs {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: w.namespace, Verb: verb, Group: v1alpha1.GroupVersion.Group, Resource: resource, Subresource: subresource,
			},
		}}
		w.Expect(w.client.Create(w.ctx, review)).To(Succeed())
		if review.Status.Allowed {
			allowed = append(allowed, verb)
		}
	}
	return strings.Join(allowed, " ")
}

// TestAdminOfANamespace: with the roles that come with the operator, tasks can be labelled and deleted, and not be made or
// changed.
func TestAdminOfANamespace(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 10)
	w.enforcePolicy()
	user := w.namespace + "-admin"
	w.bind("ClusterRole", "livepeer-task-operator-livepeertask-admin-role",
		rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: user})
	id, as := w.tasks()[0].Name, "--as="+user
	w.Eventually(func() error {
		_, err := w.kubectl("", "label", "--overwrite", "lpt", id, "team=video", as)
		return err
	}, soon, tick).Should(Succeed())

	out, err := w.kubectl("", append(patch(id, `{"spec": {"projectId": "forged"}}`), as)...)
	w.Expect(err).To(HaveOccurred())
	w.Expect(out).To(ContainSubstring("written only by the Livepeer task operator: change the task in Studio"))
	out, err = w.kubectl("", append(patch(id, `{"status": {"phase": "forged"}}`, "--subresource=status"), as)...)
	w.Expect(err).To(HaveOccurred())
	w.Expect(out).To(ContainSubstring(`cannot patch resource "livepeertasks/status"`))
	out, err = w.kubectl(forged, "create", "-f", "-", as)
	w.Expect(err).To(HaveOccurred())
	w.Expect(out).To(ContainSubstring(`cannot create resource "livepeertasks"`))
	out, err = w.kubectl("", "delete", "lpt", id, as)
	w.Expect(err).NotTo(HaveOccurred(), out)
}
