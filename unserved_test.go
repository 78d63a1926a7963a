// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// testUnserved: of several namespaces, those are served in which the operator has its rights, whether the others lack all, lack those on
// tasks, or are gone; and these are served once the rights are there, with no restart.
func (b *bench) testUnserved(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	studio.Populate(5, 1)
	server := httptest.NewServer(studio)
	defer server.Close()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "narrow"}}
	g.Expect(b.client.Create(t.Context(), account)).To(Succeed())
	config, err := b.cluster.ServiceAccountConfig(t.Context(), account.Namespace, account.Name)
	g.Expect(err).NotTo(HaveOccurred())
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(controlplane.WriteKubeconfig(kubeconfig, config, "")).To(Succeed())
	sourcesOnly := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "sources-only"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"livepeertasksources", "livepeertasksources/status"},
		Verbs: []string{"list", "watch", "patch"},
	}}}
	g.Expect(b.client.Create(t.Context(), sourcesOnly)).To(Succeed())
	bind := func(source *v1alpha1.LivepeerTaskSource, role string) {
		g.Expect(b.client.Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: source.Namespace, Name: role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
		})).To(Succeed())
	}
	const all = "livepeer-task-operator-manager-role"
	served, none, some := b.source(t, server.URL+"/api", livepeertest.APIKey), b.source(t, server.URL+"/api", livepeertest.APIKey),
		b.source(t, server.URL+"/api", livepeertest.APIKey)
	bind(some, sourcesOnly.Name)
	namespaces := strings.Join([]string{"gone", none.Namespace, some.Namespace, served.Namespace}, ",")
	address := freeAddress(t)
	printed, _ := b.start(t, "--kubeconfig="+kubeconfig, "--metrics-bind-address=0", "--health-probe-bind-address="+address,
		"--watch-namespaces="+namespaces)
	g.Eventually(probe, soon).WithArguments(t.Context(), address, "/healthz").Should(Equal(http.StatusOK))
	g.Expect(probe(t.Context(), address, "/readyz")).To(Equal(http.StatusInternalServerError), "none is served")

	bind(served, all)
	g.Eventually(b.reason, soon).WithArguments(t.Context(), served).Should(Equal(v1alpha1.ReasonSynced), printed.String())
	g.Expect(probe(t.Context(), address, "/readyz")).To(Equal(http.StatusOK))
	for _, unserved := range []string{"gone", none.Namespace, some.Namespace} {
		g.Expect(printed.String()).To(MatchRegexp(`The namespace is not served: .*"namespace": ?"` + unserved))
	}
	for _, unserved := range []*v1alpha1.LivepeerTaskSource{none, some} {
		g.Expect(b.reason(t.Context(), unserved)).To(BeEmpty())
		bind(unserved, all)
	}
	for _, unserved := range []*v1alpha1.LivepeerTaskSource{none, some} {
		g.Eventually(b.reason, soon).WithArguments(t.Context(), unserved).Should(Equal(v1alpha1.ReasonSynced), printed.String())
	}
}
