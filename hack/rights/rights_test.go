// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// A right that was added or removed must be seen in docs/rights.md.
func TestPageIsUpToDate(t *testing.T) {
	g := NewWithT(t)
	root, err := controlplane.RepoRoot()
	g.Expect(err).NotTo(HaveOccurred())
	want, err := page(t.Context(), controlplane.KubectlFor(root), root)
	g.Expect(err).NotTo(HaveOccurred())
	got, err := os.ReadFile(pageFile(root))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(got)).To(Equal(string(want)), "run make manifests")
}

func TestEveryRightHasAReason(t *testing.T) {
	g := NewWithT(t)
	why := newReasons()
	rows, err := rowsOf(managerRole("", "secrets", "get", "watch"), operators, why)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(rows).To(HaveLen(2))
	g.Expect(why.unused()).NotTo(ContainElement("manager-role secrets watch"))

	_, err = rowsOf(managerRole("", "secrets", "get", "list"), operators, why)
	g.Expect(err).To(MatchError("nobody says in hack/rights why the role manager-role has list secrets"))
	g.Expect(why.unused()).To(ContainElement("manager-role livepeertasks.studio.livepeer.org create"))
}

func TestWildcardsAreRefused(t *testing.T) {
	g := NewWithT(t)
	for _, rule := range [][3]string{{"", "secrets", "*"}, {"", "*", "get"}, {"*", "secrets", "get"}} {
		_, err := rowsOf(managerRole(rule[0], rule[1], rule[2]), operators, newReasons())
		g.Expect(err).To(MatchError(ContainSubstring("has a wildcard")), "%v", rule)
	}
}

func managerRole(group, resource string, verbs ...string) []rbacv1.ClusterRole {
	return []rbacv1.ClusterRole{{
		TypeMeta:   metav1.TypeMeta{Kind: "ClusterRole"},
		ObjectMeta: metav1.ObjectMeta{Name: prefix + "manager-role"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}},
	}}
}
