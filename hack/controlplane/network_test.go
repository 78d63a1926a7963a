// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// The Service, the NetworkPolicy, the PodDisruptionBudget and the ServiceMonitor find their targets by labels and names.
func TestSelectorsMeetTheirTargets(t *testing.T) {
	g := NewWithT(t)
	at := func(object *unstructured.Unstructured, path ...string) any {
		value, found, err := unstructured.NestedFieldNoCopy(object.Object, path...)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(found).To(BeTrue(), "%v", path)
		g.Expect(object.GetNamespace()).To(Equal(controlplane.SystemNamespace), object.GetKind())
		return value
	}
	deployment := find(t, "config/default", "Deployment")
	podLabels := at(deployment, "spec", "template", "metadata", "labels")
	g.Expect(at(deployment, "spec", "selector", "matchLabels")).To(Equal(podLabels))
	service := named(t, "config/default", "Service", "livepeer-task-operator-controller-manager-metrics")
	hooks := named(t, "config/default", "Service", "livepeer-task-operator-receiver")
	for _, service := range []*unstructured.Unstructured{service, hooks} {
		g.Expect(at(service, "spec", "selector")).To(Equal(podLabels))
	}
	g.Expect(at(find(t, "config/default", "NetworkPolicy"), "spec", "podSelector", "matchLabels")).To(Equal(podLabels))
	g.Expect(at(find(t, "config/ha", "PodDisruptionBudget"), "spec", "selector", "matchLabels")).To(Equal(podLabels))
	spread := deploymentIn(t, "config/ha").Spec.Template.Spec.TopologySpreadConstraints
	g.Expect(spread).To(HaveLen(1))
	g.Expect(deploymentIn(t, "config/ha").Spec.Template.Labels).To(Equal(spread[0].LabelSelector.MatchLabels))

	monitor := find(t, "config/prometheus", "ServiceMonitor")
	for name, value := range at(monitor, "spec", "selector", "matchLabels").(map[string]any) {
		g.Expect(at(service, "metadata", "labels")).To(HaveKeyWithValue(name, value))
	}
	ports := at(service, "spec", "ports").([]any)
	endpoints := at(monitor, "spec", "endpoints").([]any)
	g.Expect(endpoints[0].(map[string]any)["port"]).To(Equal(ports[0].(map[string]any)["name"]))
}

// The NetworkPolicy lets in what the pod serves and nothing else, and lets it out to names, API server and Studio.
func TestNetworkPolicyFitsThePod(t *testing.T) {
	for _, dir := range []string{"config/default", "config/namespaced"} {
		g := NewWithT(t)
		policy := &networkingv1.NetworkPolicy{}
		decode(t, find(t, dir, "NetworkPolicy"), policy)
		g.Expect(policy.Spec.PolicyTypes).To(ConsistOf(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress))

		var in, out []string
		var dns []networkingv1.NetworkPolicyPeer
		for _, rule := range policy.Spec.Ingress {
			in = append(in, ports(rule.Ports)...)
		}
		for _, rule := range policy.Spec.Egress {
			switch {
			case len(rule.To) == 0: // Studio's address and the API server's are another in each cluster
				out = append(out, ports(rule.Ports)...)
			case rule.To[0].NamespaceSelector != nil: // wherever they listen
				dns = append(dns, rule.To...)
				g.Expect(rule.Ports).To(BeEmpty())
			default: // the other replicas
				g.Expect(rule.To).To(HaveLen(1))
				g.Expect(*rule.To[0].PodSelector).To(Equal(policy.Spec.PodSelector))
				g.Expect(ports(rule.Ports)).To(ConsistOf("TCP/9292"))
			}
		}
		var served []string
		for _, port := range deploymentIn(t, dir).Spec.Template.Spec.Containers[0].Ports {
			served = append(served, fmt.Sprintf("TCP/%d", port.ContainerPort))
		}
		g.Expect(in).To(ConsistOf(served))
		g.Expect(out).To(ContainElements("UDP/53", "TCP/53", "TCP/443", "TCP/6443"))
		g.Expect(dns).To(ConsistOf(networkingv1.NetworkPolicyPeer{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "kube-system"}},
			PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}},
		}))
	}
}

func ports(rules []networkingv1.NetworkPolicyPort) []string {
	var names []string
	for _, rule := range rules {
		protocol := corev1.ProtocolTCP
		if rule.Protocol != nil {
			protocol = *rule.Protocol
		}
		names = append(names, string(protocol)+"/"+rule.Port.String())
	}
	return names
}
