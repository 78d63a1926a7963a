// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// Two shards and what the cluster has once are installed side by side: no object is of two of them, every binding is to a role that
// is there, and to the shard's own ServiceAccount.
func TestShardsLiveSideBySide(t *testing.T) {
	g := NewWithT(t)
	owners, roles := map[string]string{}, map[string]bool{}
	var bindings []*unstructured.Unstructured
	for _, dir := range []string{"config/cluster", overlay(t, shard("a")), overlay(t, shard("b"))} {
		for _, object := range render(t, dir) {
			key := object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
			g.Expect(owners).NotTo(HaveKey(key), "%s has it, and %s", dir, owners[key])
			owners[key] = dir
			switch object.GetKind() {
			case "ClusterRole", "Role":
				roles[key] = true
			case "ClusterRoleBinding", "RoleBinding":
				bindings = append(bindings, object)
			}
		}
	}
	g.Expect(bindings).To(HaveLen(2 * 4))
	for _, binding := range bindings {
		bound := &rbacv1.RoleBinding{}
		decode(t, binding, bound)
		role := bound.RoleRef.Kind + " /" + bound.RoleRef.Name
		if bound.RoleRef.Kind == "Role" {
			role = "Role " + bound.Namespace + "/" + bound.RoleRef.Name
		}
		g.Expect(roles).To(HaveKey(role), binding.GetName())
		subject := bound.Subjects[0]
		g.Expect(owners).To(HaveKeyWithValue("ServiceAccount "+subject.Namespace+"/"+subject.Name, owners[binding.GetKind()+" "+
			binding.GetNamespace()+"/"+binding.GetName()]), binding.GetName())
	}
	deployment := deploymentIn(t, overlay(t, shard("a")))
	g.Expect(deployment.Spec.Replicas).To(HaveValue(BeEquivalentTo(2)))
	g.Expect(deployment.Spec.Template.Spec.Containers[0].Args).To(ContainElements("--leader-elect",
		"--watch-label-selector=studio.livepeer.org/shard=a"))
}

// The components for certificates find a shard's objects, whose names are others: one that finds none would say nothing.
func TestCertificatesOfAShardAreMounted(t *testing.T) {
	g := NewWithT(t)
	dir := overlay(t, "namespace: media\nnameSuffix: -a\nresources: [config/shard, config/prometheus]\n"+
		"components: [config/components/metrics-certificate, config/components/receiver-certificate]\n"+
		"patches:\n- target: {kind: ServiceMonitor}\n  patch: |-\n    - {op: replace, path: /spec/endpoints/0/tlsConfig/serverName, value: a.media.svc}")
	g.Expect(deploymentIn(t, dir).Spec.Template.Spec.Containers[0].Args).To(ContainElements(
		"--metrics-cert-path=/etc/metrics-certificate", "--receiver-cert-path=/etc/receiver-certificate"))
	service := &corev1.Service{}
	decode(t, named(t, dir, "Service", "livepeer-task-operator-receiver-shard-a"), service)
	g.Expect(service.Spec.Ports[0].AppProtocol).To(HaveValue(Equal("https")))
	text, err := find(t, dir, "ServiceMonitor").MarshalJSON()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(text)).To(And(ContainSubstring(`"serverName":"a.media.svc"`), Not(ContainSubstring(controlplane.SystemNamespace))))
}

// shard is the kustomization of a shard, as docs/shards.md shows it.
func shard(name string) string {
	return "namespace: livepeer-shard-" + name + "\nnameSuffix: -" + name + "\nresources: [config/shard]\n" +
		"patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /spec/template/spec/containers/0/args/-, " +
		"value: \"--watch-label-selector=studio.livepeer.org/shard=" + name + "\"}\n"
}
