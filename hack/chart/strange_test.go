// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
)

// strange are texts that YAML takes for something else where they stand without quotes.
const strange = `
image: {repository: "registry.example.com:5000/x #y", tag: "1.0"}
replicaCount: 1000000
fullnameOverride: "true"
watchLabelSelector: "a in (b), !c"
priorityClassName: "1"
serviceAccount: {name: "2"}
env: {"NO": "no", "1": "it's \"quoted\": {{ .Values }}"}
allowedHosts: ["fd00::", "a #b"]
watchNamespaces: ["3"]
receiverConnectionsPerAddress: 2000000
podAnnotations: {kubectl.kubernetes.io/default-container: other, "n": "4"}
receiver:
  host: "5"
  ingress: {enabled: true, className: "6", tlsSecret: "7"}
  httpRoute: {enabled: true, parentRefs: [{name: "8"}]}
certificates: {metrics: "9", receiver: "10"}
prometheus: {enabled: true, labels: {release: "11"}}
`

// A name or a text stays one, whatever it looks like.
func TestStrangeTextsStayTexts(t *testing.T) {
	g := NewWithT(t)
	values := filepath.Join(t.TempDir(), "values.yaml")
	g.Expect(os.WriteFile(values, []byte(strange), 0o600)).To(Succeed())
	out, err := helm(t.Context(), t, "template", "1e3", chartDir, "--namespace", "123", "--values", values)
	g.Expect(err).NotTo(HaveOccurred())
	all := parse(t, out)
	for key, object := range all {
		_, _, err := unstructured.NestedStringMap(object.Object, "metadata", "labels")
		g.Expect(err).NotTo(HaveOccurred(), key)
		for _, field := range []string{"name", "namespace"} {
			_, _, err := unstructured.NestedString(object.Object, "metadata", field)
			g.Expect(err).NotTo(HaveOccurred(), key)
		}
	}

	deployment := deploymentOf(t, all)
	template := deployment.Spec.Template
	container := template.Spec.Containers[0]
	g.Expect(deployment.Namespace).To(Equal("123"))
	g.Expect(deployment.Spec.Selector.MatchLabels).To(HaveKeyWithValue("studio.livepeer.org/operator", "true"))
	g.Expect(deployment.Spec.Replicas).To(HaveValue(BeEquivalentTo(1000000)))
	g.Expect(template.Annotations).To(And(HaveKeyWithValue("kubectl.kubernetes.io/default-container", "other"), HaveKeyWithValue("n", "4")))
	g.Expect(container.Image).To(Equal("registry.example.com:5000/x #y:1.0"))
	g.Expect(container.Args).To(ContainElements("--allowed-hosts=fd00::,a #b", "--watch-namespaces=3",
		"--watch-label-selector=a in (b), !c", "--receiver-connections-per-address=2000000"))
	g.Expect(container.Env).To(ContainElements(
		corev1.EnvVar{Name: "NO", Value: "no"}, corev1.EnvVar{Name: "1", Value: `it's "quoted": {{ .Values }}`}))
	g.Expect(template.Spec.PriorityClassName).To(Equal("1"))
	g.Expect(template.Spec.ServiceAccountName).To(Equal("2"))
	for _, binding := range append(all.of("RoleBinding"), all.of("ClusterRoleBinding")...) {
		g.Expect(as[rbacv1.RoleBinding](t, binding).Subjects).To(ConsistOf(And(HaveField("Name", "2"), HaveField("Namespace", "123"))))
	}
	g.Expect(template.Spec.Volumes).To(ConsistOf(HaveField("Secret.SecretName", "9"), HaveField("Secret.SecretName", "10")))
	ingress := as[networkingv1.Ingress](t, all.only(t, "Ingress"))
	g.Expect(ingress.Spec.IngressClassName).To(HaveValue(Equal("6")))
	g.Expect(ingress.Spec.Rules).To(ConsistOf(HaveField("Host", "5")))
	g.Expect(ingress.Spec.TLS).To(ConsistOf(And(HaveField("SecretName", "7"), HaveField("Hosts", ConsistOf("5")))))
	g.Expect(nested(all.only(t, "HTTPRoute"), "spec", "hostnames")).To(ConsistOf("5"))
	endpoint := nested(all.only(t, "ServiceMonitor"), "spec", "endpoints").([]any)[0].(map[string]any)
	g.Expect(endpoint["tlsConfig"]).To(HaveKeyWithValue("ca", HaveKeyWithValue("secret", HaveKeyWithValue("name", "9"))))

	own := chart(t, "--set-string", "fullnameOverride=true", "--set", "replicaCount=2")
	g.Expect(deploymentOf(t, own).Spec.Template.Spec.PriorityClassName).To(Equal("true"))
	g.Expect(as[schedulingv1.PriorityClass](t, own.only(t, "PriorityClass")).Name).To(Equal("true"))
}

// Who packs the chart with a commit in its version gets labels that Kubernetes takes.
func TestLongVersion(t *testing.T) {
	g := NewWithT(t)
	for _, version := range []string{"0.1.0+" + strings.Repeat("0a", 20), "0.1.0-" + strings.Repeat("a", 33) + "." + strings.Repeat("b", 40)} {
		dir := filepath.Join(t.TempDir(), release)
		g.Expect(os.CopyFS(dir, os.DirFS(filepath.Join(rootOf(t), chartDir)))).To(Succeed())
		path := filepath.Join(dir, "Chart.yaml")
		about, err := os.ReadFile(path)
		g.Expect(err).NotTo(HaveOccurred())
		packed := strings.Replace(string(about), "\nversion: 0.1.0\n", "\nversion: "+version+"\n", 1)
		g.Expect(os.WriteFile(path, []byte(packed), 0o600)).To(Succeed())
		out, err := helm(t.Context(), t, "template", release, dir)
		g.Expect(err).NotTo(HaveOccurred())
		label := deploymentOf(t, parse(t, out)).Labels["helm.sh/chart"]
		g.Expect(validation.IsValidLabelValue(label)).To(BeEmpty(), label)
		g.Expect(label).To(HavePrefix("livepeer-task-operator-0.1.0"))
	}
}

// What ends TLS speaks plain HTTP to the operator, unless it is told otherwise.
func TestCertManagerForMetricsAlone(t *testing.T) {
	g := NewWithT(t)
	all := chart(t, "--set", "receiver.host=hooks.example.com,receiver.ingress.enabled=true,certificates.certManager.enabled=true",
		"--set", "certificates.certManager.issuerRef.name=ca,certificates.certManager.receiver=false")
	g.Expect(all.only(t, "Certificate").GetName()).To(Equal("livepeer-task-operator-metrics"))
	container := deploymentOf(t, all).Spec.Template.Spec.Containers[0]
	g.Expect(container.Args).To(ContainElement("--metrics-cert-path=/etc/metrics-certificate"))
	g.Expect(container.Args).NotTo(ContainElement(HavePrefix("--receiver-cert-path")))
	g.Expect(nested(all["Service "+namespace+" livepeer-task-operator-receiver"], "spec", "ports").([]any)[0]).
		To(HaveKeyWithValue("appProtocol", "http"))
}

// A chart may have this one as a part, with the condition that is usual.
func TestPartOfAnotherChart(t *testing.T) {
	g := NewWithT(t)
	dir := partOf(t, "{name: "+release+", version: 0.1.0, condition: "+release+".enabled}")
	for enabled, deployments := range map[string]int{"true": 1, "false": 0} {
		out, err := helm(t.Context(), t, "template", "video", dir, "--set", release+".enabled="+enabled)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(parse(t, out).of("Deployment")).To(HaveLen(deployments), enabled)
	}
}

// partOf is a chart named video that has this one as a part, or several times.
func partOf(t *testing.T, dependencies ...string) string {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	g.Expect(os.CopyFS(filepath.Join(dir, "charts", release), os.DirFS(filepath.Join(rootOf(t), chartDir)))).To(Succeed())
	text := "apiVersion: v2\nname: video\nversion: 0.1.0\ndependencies: [" + strings.Join(dependencies, ", ") + "]\n"
	g.Expect(os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte(text), 0o600)).To(Succeed())
	return dir
}
