// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// shown is the first YAML of a section of a page, as whoever copies it has it in a file.
func shown(t *testing.T, page, section, file string) string {
	t.Helper()
	g := NewWithT(t)
	text, err := os.ReadFile(filepath.Join(rootOf(t), "docs", page))
	g.Expect(err).NotTo(HaveOccurred())
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	g.Expect(found).To(BeTrue(), section)
	_, rest, found = strings.Cut(rest, "\n```yaml\n")
	g.Expect(found).To(BeTrue(), section)
	example, _, _ := strings.Cut(rest, "\n```\n")
	path := filepath.Join(t.TempDir(), file)
	g.Expect(os.WriteFile(path, []byte(example+"\n"), 0o600)).To(Succeed())
	return path
}

// Behind a proxy the API server is asked without it, and the NetworkPolicy lets the operator out to it.
func TestValuesOfAProxy(t *testing.T) {
	g := NewWithT(t)
	all := chart(t, "--values", shown(t, "helm.md", "Behind a proxy", "values.yaml"))
	g.Expect(deploymentOf(t, all).Spec.Template.Spec.Containers[0].Env).To(ContainElements(
		corev1.EnvVar{Name: "HTTPS_PROXY", Value: "http://proxy.example.com:3128"},
		corev1.EnvVar{Name: "NO_PROXY", Value: "$(KUBERNETES_SERVICE_HOST),.svc,.cluster.local"}))
	g.Expect(as[networkingv1.NetworkPolicy](t, all.only(t, "NetworkPolicy")).Spec.Egress).To(
		ContainElement(HaveField("Ports", ContainElement(HaveField("Port.IntVal", BeEquivalentTo(3128))))))
}

// What kustomize has Helm render can be patched, and is what Helm installs: without the pod of helm test, which would run and stay.
func TestKustomizeRendersTheChart(t *testing.T) {
	g := NewWithT(t)
	g.Expect(builtHelm()).To(Succeed())
	root := rootOf(t)
	dir := filepath.Dir(shown(t, "helm.md", "A patch of what it renders", "kustomization.yaml"))
	g.Expect(os.CopyFS(filepath.Join(dir, release, "charts"), os.DirFS(filepath.Join(root, "charts")))).To(Succeed())
	cmd := exec.CommandContext(t.Context(), controlplane.KubectlFor(root), "kustomize", dir, "--enable-helm",
		"--helm-command", filepath.Join(root, "bin", "helm"))
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	out, err := cmd.Output()
	g.Expect(err).NotTo(HaveOccurred())
	got, want := parse(t, string(out)), chart(t, "--set", "replicaCount=2")
	g.Expect(deploymentOf(t, got).Spec.Template.Spec.HostAliases).To(HaveLen(1))
	for key := range got {
		g.Expect(want).To(HaveKey(key))
	}
	g.Expect(got).To(HaveLen(len(want)))
}

// The labels that a Prometheus selects by are given to ServiceMonitor and rules, by Kustomize as by Helm, and not to what they select.
func TestLabelsForPrometheus(t *testing.T) {
	g := NewWithT(t)
	root := rootOf(t)
	dir := filepath.Dir(shown(t, "metrics.md", "Scraping", "kustomization.yaml"))
	g.Expect(os.CopyFS(filepath.Join(dir, release, "config"), os.DirFS(filepath.Join(root, "config")))).To(Succeed())
	out, err := exec.CommandContext(t.Context(), controlplane.KubectlFor(root), "kustomize", dir).Output()
	g.Expect(err).NotTo(HaveOccurred())
	got := parse(t, string(out))
	want := chart(t, "--set", "prometheus.enabled=true,prometheus.labels.release=kube-prometheus-stack")
	g.Expect(got).To(HaveLen(2))
	for key, object := range got {
		g.Expect(object.GetLabels()).To(HaveKeyWithValue("release", "kube-prometheus-stack"), key)
		g.Expect(want[key].GetLabels()).To(HaveKeyWithValue("release", "kube-prometheus-stack"), key)
		g.Expect(object.Object["spec"]).To(Equal(want[key].Object["spec"]), key)
	}
}
