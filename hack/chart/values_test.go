// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestPodValues: what people fork charts for.
func TestPodValues(t *testing.T) {
	g := NewWithT(t)
	deployment := deploymentOf(t, chart(t,
		"--set", "podAnnotations.team=video,podLabels.tier=mirror,image.pullPolicy=Always,log.level=debug,log.format=console",
		"--set", "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight=1,extraArgs={--zap-stacktrace-level=panic}",
		"--set", "extraEnv[0].name=HTTPS_PROXY,extraEnv[0].valueFrom.secretKeyRef.name=proxy,extraEnv[0].valueFrom.secretKeyRef.key=url",
		"--set", "extraVolumes[0].name=ca,extraVolumes[0].configMap.name=ca,extraVolumeMounts[0].name=ca,extraVolumeMounts[0].mountPath=/etc/ssl/more",
		"--set", "podSecurityContext.runAsUser=1000,securityContext.readOnlyRootFilesystem=true"))
	template := deployment.Spec.Template
	pod, container := template.Spec, template.Spec.Containers[0]
	g.Expect(template.Annotations).To(And(HaveKeyWithValue("team", "video"), HaveKey("kubectl.kubernetes.io/default-container")))
	g.Expect(template.Labels).To(And(HaveKeyWithValue("tier", "mirror"), HaveKey("app.kubernetes.io/name")))
	g.Expect(deployment.Spec.Selector.MatchLabels).NotTo(HaveKey("tier"), "it can't be changed later")
	g.Expect(container.ImagePullPolicy).To(Equal(corev1.PullAlways))
	g.Expect(container.Args).To(ContainElements("--zap-log-level=debug", "--zap-encoder=console", "--zap-stacktrace-level=panic"))
	g.Expect(container.Env).To(ContainElement(HaveField("ValueFrom.SecretKeyRef.Key", "url")))
	g.Expect(container.VolumeMounts).To(ConsistOf(HaveField("MountPath", "/etc/ssl/more")))
	g.Expect(pod.Volumes).To(ConsistOf(HaveField("ConfigMap.Name", "ca")))
	g.Expect(pod.Affinity.NodeAffinity).NotTo(BeNil())
	g.Expect(pod.SecurityContext).To(And(HaveField("RunAsUser", HaveValue(BeEquivalentTo(1000))), HaveField("RunAsNonRoot", HaveValue(BeTrue()))))

	byDefault := deploymentOf(t, chart(t)).Spec.Template.Spec
	g.Expect(byDefault.SecurityContext.RunAsUser).To(BeNil(), "OpenShift gives it one")
	g.Expect(byDefault.Volumes).To(BeEmpty())
}

// TestServiceAccountOfTheValues: it is the pod's, and has the rights.
func TestServiceAccountOfTheValues(t *testing.T) {
	g := NewWithT(t)
	for create, accounts := range map[string]int{"true": 1, "false": 0} {
		all := chart(t, "--set", "serviceAccount.name=mine,serviceAccount.annotations.role=arn,serviceAccount.create="+create)
		g.Expect(deploymentOf(t, all).Spec.Template.Spec.ServiceAccountName).To(Equal("mine"))
		g.Expect(all.of("ServiceAccount")).To(HaveLen(accounts))
		for _, account := range all.of("ServiceAccount") {
			g.Expect(account.GetName()).To(Equal("mine"))
			g.Expect(account.GetAnnotations()).To(HaveKeyWithValue("role", "arn"))
		}
		bindings := append(all.of("RoleBinding"), all.of("ClusterRoleBinding")...)
		g.Expect(len(bindings)).To(BeNumerically(">", 2))
		for _, object := range bindings {
			for _, subject := range as[rbacv1.RoleBinding](t, object).Subjects {
				g.Expect(subject.Name).To(Equal("mine"), object.GetName())
			}
		}
	}
}

// TestNetworkValues: ports and rules are added, and the policy can be left to somebody else.
func TestNetworkValues(t *testing.T) {
	g := NewWithT(t)
	all := chart(t, "--set", "networkPolicy.egressPorts={3128,80}",
		"--set", "networkPolicy.egress[0].to[0].ipBlock.cidr=10.0.0.0/8,networkPolicy.ingress[0].from[0].podSelector.matchLabels.a=b")
	plain := as[networkingv1.NetworkPolicy](t, chart(t).only(t, "NetworkPolicy"))
	policy := as[networkingv1.NetworkPolicy](t, all.only(t, "NetworkPolicy"))
	g.Expect(policy.Spec.Egress).To(HaveLen(len(plain.Spec.Egress) + 1))
	g.Expect(policy.Spec.Ingress).To(HaveLen(len(plain.Spec.Ingress) + 1))
	toAnybody := func(policy *networkingv1.NetworkPolicy) (ports []networkingv1.NetworkPolicyPort) {
		for _, rule := range policy.Spec.Egress {
			if len(rule.To) == 0 {
				ports = append(ports, rule.Ports...)
			}
		}
		return ports
	}
	g.Expect(toAnybody(policy)).To(HaveLen(len(toAnybody(plain)) + 2))
	g.Expect(toAnybody(policy)).To(ContainElement(HaveField("Port.IntVal", BeEquivalentTo(3128))))
	g.Expect(chart(t, "--set", "networkPolicy.enabled=false").of("NetworkPolicy")).To(BeEmpty())
}

// TestReceiverValues: what leads to the receiver, and its certificates.
func TestReceiverValues(t *testing.T) {
	g := NewWithT(t)
	all := chart(t, "--set", "receiver.host=hooks.example.com,receiver.ingress.enabled=true,receiver.ingress.className=nginx",
		"--set", "receiver.ingress.tlsSecret=tls,receiver.ingress.annotations.a=b,receiver.httpRoute.enabled=true",
		"--set", "receiver.httpRoute.parentRefs[0].name=public,receiver.httpRoute.parentRefs[0].namespace=gateways",
		"--set", "certificates.certManager.enabled=true,certificates.certManager.issuerRef.name=ca,prometheus.enabled=true")
	ingress := as[networkingv1.Ingress](t, all.only(t, "Ingress"))
	g.Expect(ingress.Spec.Rules).To(ConsistOf(And(HaveField("Host", "hooks.example.com"),
		HaveField("HTTP.Paths", ConsistOf(And(HaveField("Path", "/hooks/"), HaveField("Backend.Service.Name", "livepeer-task-operator-receiver")))))))
	g.Expect(ingress.Spec.TLS).To(ConsistOf(HaveField("SecretName", "tls")))
	route := all.only(t, "HTTPRoute")
	g.Expect(nested(route, "spec", "hostnames")).To(ConsistOf("hooks.example.com"))
	g.Expect(nested(route, "spec", "parentRefs")).To(ConsistOf(map[string]any{"name": "public", "namespace": "gateways"}))
	g.Expect(all.of("Certificate")).To(HaveLen(2))
	for _, certificate := range all.of("Certificate") {
		g.Expect(nested(certificate, "spec", "issuerRef")).To(Equal(map[string]any{"kind": "ClusterIssuer", "name": "ca"}))
	}
	container := deploymentOf(t, all).Spec.Template.Spec.Containers[0]
	g.Expect(container.Args).To(ContainElements("--metrics-cert-path=/etc/metrics-certificate", "--receiver-cert-path=/etc/receiver-certificate"))
	g.Expect(container.VolumeMounts).To(HaveLen(2))
	for _, object := range all.of("Service") {
		for _, port := range as[corev1.Service](t, object).Spec.Ports {
			if port.AppProtocol != nil {
				g.Expect(port.AppProtocol).To(HaveValue(Equal("https")))
			}
		}
	}
	monitor := all.only(t, "ServiceMonitor")
	endpoint := nested(monitor, "spec", "endpoints").([]any)[0].(map[string]any)
	g.Expect(endpoint["tlsConfig"]).To(And(HaveKey("ca"), Not(HaveKey("insecureSkipVerify"))))

	own := chart(t, "--set", "certificates.receiver=mine,certificates.certManager.enabled=true,certificates.certManager.issuerRef.name=ca")
	g.Expect(own.of("Certificate")).To(HaveLen(1), "that of the metrics")
	g.Expect(deploymentOf(t, own).Spec.Template.Spec.Volumes).To(ContainElement(HaveField("Secret.SecretName", "mine")))
}

// TestDashboardValues: Grafana's sidecar finds the dashboard by a label, and its folder by an annotation.
func TestDashboardValues(t *testing.T) {
	g := NewWithT(t)
	dashboard := chart(t, "--set", "prometheus.dashboard=true,prometheus.dashboardAnnotations.grafana_folder=Video").only(t, "ConfigMap")
	g.Expect(dashboard.GetAnnotations()).To(Equal(map[string]string{"grafana_folder": "Video"}))
	g.Expect(dashboard.GetLabels()).To(HaveKeyWithValue("grafana_dashboard", "1"))
}

// TestNotes: who has installed the chart is told which sources are served, where not all are.
func TestNotes(t *testing.T) {
	g := NewWithT(t)
	notes := func(args ...string) string {
		out, err := helm(t.Context(), t, append([]string{"install", release, chartDir, "--dry-run=client"}, args...)...)
		g.Expect(err).NotTo(HaveOccurred())
		_, notes, found := strings.Cut(out, "\nNOTES:\n")
		g.Expect(found).To(BeTrue())
		return notes
	}
	g.Expect(notes()).To(And(ContainSubstring("in a namespace of yours:"), Not(ContainSubstring("is served"))))
	g.Expect(notes("--set", "watchNamespaces={media,video}")).To(ContainSubstring("in one of the namespaces media, video: no other is served"))
	g.Expect(notes("--set", "watchLabelSelector=a=b")).To(ContainSubstring("with labels that a=b selects: no other source is served"))

	// Its commands can be pasted as they stand.
	_, text, found := strings.Cut(notes(), "kubectl apply ")
	g.Expect(found).To(BeTrue())
	text, _, _ = strings.Cut("kubectl apply "+text, "\nhelm uninstall")
	shell := exec.CommandContext(t.Context(), "sh")
	shell.Stdin = strings.NewReader("kubectl() { echo \"--- # kubectl $*\"; test $1 = get || cat; }\n" + text)
	out, err := shell.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", out)
	g.Expect(string(out)).To(ContainSubstring("# kubectl get livepeertasksources,livepeertasks"), "a here-document that does not end takes it")
	g.Expect(parse(t, string(out))).To(HaveKey("LivepeerTaskSource  main"))
}

func nested(object *unstructured.Unstructured, path ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(object.Object, path...)
	return value
}

// TestReleaseTest: helm test makes a Pod and the Service by which it reaches the release's own operator, and no install does.
func TestReleaseTest(t *testing.T) {
	g := NewWithT(t)
	shard := []string{
		"--set", "fullnameOverride=video,image.tag=v9,image.pullSecrets[0].name=pull,nodeSelector.disk=ssd",
		"--set", `podLabels.team=video,podLabels.app\.kubernetes\.io/version=mine,podAnnotations.sidecar\.istio\.io/inject=no`,
		"--set", "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight=1",
	}
	out, err := helm(t.Context(), t, append([]string{"template", "mine", chartDir, "--namespace", "elsewhere",
		"-s", "templates/tests/ready.yaml"}, shard...)...)
	g.Expect(err).NotTo(HaveOccurred())
	tests := parse(t, out)
	g.Expect(tests).To(HaveLen(2))
	for key, object := range tests {
		g.Expect(object.GetAnnotations()).To(HaveKeyWithValue("helm.sh/hook", "test"), key)
		g.Expect(object.GetNamespace()).To(Equal("elsewhere"))
	}
	service := as[corev1.Service](t, tests.only(t, "Service"))
	pod := as[corev1.Pod](t, tests.only(t, "Pod"))
	g.Expect(pod.Spec.Containers[0].Args).To(ConsistOf("--check=http://" + service.Name + ".elsewhere.svc:8081/readyz"))
	g.Expect(service.Spec.Ports).To(ConsistOf(And(HaveField("Port", BeEquivalentTo(8081)), HaveField("TargetPort.StrVal", "probes"))))

	all, err := helm(t.Context(), t, append([]string{"template", "mine", chartDir, "--namespace", "elsewhere", "--skip-tests"}, shard...)...)
	g.Expect(err).NotTo(HaveOccurred())
	deployment := deploymentOf(t, parse(t, all))
	template := deployment.Spec.Template
	g.Expect(service.Spec.Selector).To(Equal(deployment.Spec.Selector.MatchLabels), "it leads to another release's")
	g.Expect(template.Spec.Containers[0].Ports).To(ContainElement(And(HaveField("Name", "probes"), HaveField("ContainerPort", BeEquivalentTo(8081)))))
	g.Expect(template.Spec.Containers[0].ReadinessProbe.HTTPGet.Path).To(Equal("/readyz"))
	g.Expect(pod.Spec.Containers[0].Image).To(Equal(template.Spec.Containers[0].Image))
	g.Expect(pod.Spec.Containers[0].SecurityContext).To(Equal(template.Spec.Containers[0].SecurityContext))
	g.Expect(pod.Spec.SecurityContext).To(Equal(template.Spec.SecurityContext))
	g.Expect(pod.Spec.ImagePullSecrets).To(Equal(template.Spec.ImagePullSecrets))
	g.Expect(pod.Spec.NodeSelector).To(Equal(template.Spec.NodeSelector))
	g.Expect(pod.Spec.Affinity).To(Equal(template.Spec.Affinity))
	for name, value := range map[string]string{"team": "video", "app.kubernetes.io/version": "mine"} {
		g.Expect(pod.Labels).To(HaveKeyWithValue(name, value), "a cluster that wants it of each pod refuses this one")
	}
	g.Expect(pod.Annotations).To(HaveKeyWithValue("sidecar.istio.io/inject", "no"), "with a sidecar it might never end")
	g.Expect(pod.Labels).NotTo(HaveKeyWithValue("app.kubernetes.io/component", "manager"), "it would be taken for an operator")
	g.Expect(parse(t, all)).NotTo(HaveKey(ContainSubstring("-test")))
}
