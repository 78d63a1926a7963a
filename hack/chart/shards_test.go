// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apilabels "k8s.io/apimachinery/pkg/labels"
)

// everything is what makes the chart install all that it can.
const everything = "replicaCount=2,prometheus.enabled=true,prometheus.dashboard=true,certificates.certManager.enabled=true," +
	"certificates.certManager.issuerRef.name=ca,receiver.host=hooks.example.com,receiver.ingress.enabled=true," +
	"receiver.httpRoute.enabled=true,receiver.httpRoute.parentRefs[0].name=public"

// shardOf renders a release that serves one shard, in the namespace of all others.
func shardOf(t *testing.T, name string, more ...string) objects {
	t.Helper()
	out, err := helm(t.Context(), t, append([]string{
		"template", "shard-" + name, chartDir, "--namespace", namespace, "--set", everything,
		"--set", "fullnameOverride=livepeer-shard-" + name + ",watchLabelSelector=studio.livepeer.org/shard=" + name,
	}, more...)...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return parse(t, out)
}

// Releases live side by side, even in one namespace: no object is of two of them, each binding is to a role of its own release, and
// nothing selects another's pods. What the cluster has once, one of them brings.
func TestReleasesLiveSideBySide(t *testing.T) {
	g := NewWithT(t)
	a := shardOf(t, "a")
	b := shardOf(t, "b", "--set", "crds.install=false,clusterResources.install=false")
	for key := range b {
		g.Expect(a).NotTo(HaveKey(key))
	}
	for _, kind := range []string{
		"CustomResourceDefinition", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "FlowSchema", "PriorityLevelConfiguration",
	} {
		g.Expect(a.of(kind)).NotTo(BeEmpty(), kind)
		g.Expect(b.of(kind)).To(BeEmpty(), kind)
	}
	for name, release := range map[string]objects{"a": a, "b": b} {
		for key, object := range release {
			text, err := object.MarshalJSON()
			g.Expect(err).NotTo(HaveOccurred())
			if object.GetKind() != "CustomResourceDefinition" {
				g.Expect(object.GetName()).To(HavePrefix("livepeer-shard-"+name), key)
				g.Expect(string(text)).NotTo(MatchRegexp(`[nN]ame":"livepeer-task-operator-`), key)
			}
		}
		for _, binding := range append(release.of("RoleBinding"), release.of("ClusterRoleBinding")...) {
			bound := as[rbacv1.RoleBinding](t, binding)
			place := "  "
			if bound.RoleRef.Kind == "Role" {
				place = " " + namespace + " "
			}
			g.Expect(release).To(HaveKey(bound.RoleRef.Kind+place+bound.RoleRef.Name), binding.GetName())
			g.Expect(release).To(HaveKey("ServiceAccount " + namespace + " " + bound.Subjects[0].Name))
		}
	}
	pod := deploymentOf(t, b).Spec.Template
	g.Expect(pod.Spec.Containers[0].Args).To(ContainElement("--watch-label-selector=studio.livepeer.org/shard=b"))
	for name, release := range map[string]objects{"a": a, "b": b} {
		for what, selector := range selectorsOf(t, release) {
			g.Expect(apilabels.SelectorFromSet(selector).Matches(apilabels.Set(pod.Labels))).To(Equal(name == "b"), "%s of %s", what, name)
		}
	}
}

// selectorsOf are those by which a release finds its own pods.
func selectorsOf(t *testing.T, release objects) map[string]map[string]string {
	t.Helper()
	deployment := deploymentOf(t, release)
	policy := as[networkingv1.NetworkPolicy](t, release.only(t, "NetworkPolicy"))
	found := map[string]map[string]string{
		"Deployment":    deployment.Spec.Selector.MatchLabels,
		"spread":        deployment.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
		"NetworkPolicy": policy.Spec.PodSelector.MatchLabels,
		"budget":        as[policyv1.PodDisruptionBudget](t, release.only(t, "PodDisruptionBudget")).Spec.Selector.MatchLabels,
	}
	for _, rule := range policy.Spec.Egress {
		for _, to := range rule.To {
			if to.NamespaceSelector == nil {
				found["leader"] = to.PodSelector.MatchLabels
			}
		}
	}
	if found["leader"] == nil {
		t.Fatal("the NetworkPolicy lets no replica out to the leader")
	}
	for _, service := range release.of("Service") {
		found["Service "+service.GetName()] = as[corev1.Service](t, service).Spec.Selector
	}
	return found
}

// The lease of a shard is named by a hash, which no Role of the chart can know; that of an operator for all sources is named.
func TestRightsOnLeases(t *testing.T) {
	g := NewWithT(t)
	named := func(release objects) (named []string) {
		for _, rule := range as[rbacv1.Role](t, release.only(t, "Role")).Rules {
			g.Expect(strings.Join(rule.Verbs, ",")).To(BeElementOf("create", "get,update"))
			named = append(named, rule.ResourceNames...)
		}
		return named
	}
	g.Expect(named(chart(t))).To(ConsistOf("livepeer-task-operator.studio.livepeer.org"))
	g.Expect(named(shardOf(t, "a"))).To(BeEmpty())
	args := deploymentOf(t, chart(t, "--set-string", `watchLabelSelector=studio.livepeer.org/shard notin (a\,b)`)).Spec.Template.Spec.Containers[0].Args
	g.Expect(args).To(ContainElement("--watch-label-selector=studio.livepeer.org/shard notin (a,b)"))
}

// TestPartsOfOneRelease: a chart may have two operators as its parts, which have the name of the release in common. Neither's Services lead
// to the other's pods, and neither's ServiceMonitor takes the other's Service.
func TestPartsOfOneRelease(t *testing.T) {
	g := NewWithT(t)
	out, err := helm(t.Context(), t, "template", "video", partOf(t, "{alias: a, version: 0.1.0, name: "+release+"}", "{alias: b, version: 0.1.0, name: "+release+"}"),
		"--namespace", namespace, "--set", "a.prometheus.enabled=true,b.prometheus.enabled=true,a.fullnameOverride=video-a,b.fullnameOverride=video-b",
		"--set", "b.crds.install=false,b.clusterResources.install=false")
	g.Expect(err).NotTo(HaveOccurred())
	all := parse(t, out)
	pods := map[string]apilabels.Set{}
	for _, deployment := range all.of("Deployment") {
		template := as[appsv1.Deployment](t, deployment).Spec.Template
		pods[strings.TrimSuffix(deployment.GetName(), "-controller-manager")] = template.Labels
	}
	g.Expect(pods).To(HaveLen(2))
	services := all.of("Service")
	g.Expect(len(services)).To(BeNumerically(">=", 4))
	for part, labels := range pods {
		for _, service := range services {
			selector := apilabels.SelectorFromSet(as[corev1.Service](t, service).Spec.Selector)
			g.Expect(selector.Matches(labels)).To(Equal(strings.HasPrefix(service.GetName(), part)), "%s and the pods of %s", service.GetName(), part)
		}
		monitor := all["ServiceMonitor "+namespace+" "+part+"-controller-manager"]
		selector := apilabels.Set{}
		for name, value := range nested(monitor, "spec", "selector", "matchLabels").(map[string]any) {
			selector[name] = value.(string)
		}
		for _, service := range services {
			g.Expect(apilabels.SelectorFromSet(selector).Matches(apilabels.Set(service.GetLabels()))).To(
				Equal(service.GetName() == part+"-controller-manager-metrics"), "ServiceMonitor of %s and %s", part, service.GetName())
		}
	}
}

// The name that objects have anyway changes nothing: the Deployment's selector is one that can't be changed later.
func TestOverrideWithTheSameName(t *testing.T) {
	g := NewWithT(t)
	g.Expect(deploymentOf(t, chart(t, "--set", "fullnameOverride="+release)).Spec).To(Equal(deploymentOf(t, chart(t)).Spec))
}
