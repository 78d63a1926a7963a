// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
)

// kubectl apply -k config/default is all that it takes, and the namespace's enforced standard is kept.
func TestKustomizeInstall(t *testing.T) {
	e := begin(t)
	e.reinstall(asDefault)
	e.runsRestricted(1)
}

// dist/install.yaml does the same.
func TestInstallerInstall(t *testing.T) {
	e := begin(t)
	e.reinstall(asInstaller)
	e.runsRestricted(1)
}

// So does the Helm chart.
func TestHelmInstall(t *testing.T) {
	e := begin(t)
	e.reinstall(asChart)
	e.runsRestricted(1)
	// And helm test says so, in that namespace.
	out, err := e.helm("test", "livepeer-task-operator", "--logs", "--timeout", "2m")
	e.g.Expect(err).NotTo(HaveOccurred(), out)
	e.g.Expect(out).To(ContainSubstring("The operator is ready, and the CRDs are as new as this version"))
	e.g.Expect(e.k("-n", systemNamespace, "get", "pods,services", "-o", "name")).NotTo(ContainSubstring("-test"), "it is left behind")
	e.k("-n", systemNamespace, "scale", "deployment", "livepeer-task-operator-controller-manager", "--replicas=0")
	e.g.Eventually(e.pods).Should(BeEmpty())
	out, err = e.helm("test", "livepeer-task-operator", "--timeout", "2m")
	e.g.Expect(err).To(HaveOccurred(), "helm test passes without an operator: %s", out)
	e.g.Expect(e.k("-n", systemNamespace, "logs", "livepeer-task-operator-test")).To(ContainSubstring("the operator is not ready"))
	e.k("-n", systemNamespace, "delete", "pod", "livepeer-task-operator-test")
}

// config/ha has two replicas, both ready, and one of them leads.
func TestTwoReplicasInstall(t *testing.T) {
	e := begin(t)
	e.reinstall(asHA)
	e.runsRestricted(2)
	e.g.Eventually(e.leader).ShouldNot(BeEmpty())
}

// runsRestricted checks that so many pods are ready in a namespace that enforces the restricted standard, and never failed.
func (e *suite) runsRestricted(replicas int) {
	e.t.Helper()
	e.g.Expect(e.k("get", "namespace", systemNamespace, "-o", `jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}`)).To(Equal("restricted"))
	pods := e.pods()
	e.g.Expect(pods).To(HaveLen(replicas))
	for i := range pods {
		status := pods[i].Status.ContainerStatuses[0]
		e.g.Expect(status.Ready).To(BeTrue(), pods[i].Name)
		e.g.Expect(status.RestartCount).To(BeZero(), pods[i].Name)
		e.g.Expect(pods[i].Spec.Containers[0].Image).To(Equal(e.image))
	}
	_, err := e.try("-n", systemNamespace, "run", "privileged", "--image="+e.peers, "--privileged")
	e.g.Expect(err).To(MatchError(ContainSubstring("violates PodSecurity")), "the standard is not enforced")
}

// A Studio inside the cluster over plain http has to be listed, and is mirrored where it is.
func TestPlainHTTPStudio(t *testing.T) {
	e := begin(t)
	e.operator(asPlainHTTP)
	a := e.account("plain", 20, "1")
	a.args = []string{"--listen=:8443", "--tasks=20"}
	a.startStudio()
	a.k("-n", a.namespace, "create", "secret", "generic", "livepeer", "--from-literal=apiKey="+a.key)
	a.apply(sourceAt("http://studio."+a.namespace+".svc:443/api"), "-n", a.namespace, "apply", "-f", "-")
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	a.set(`"url": "http://elsewhere.` + a.namespace + `.svc/api"`)
	a.g.Eventually(a.reason).Should(Equal("InvalidURL"))
}

// sourceAt is a source of the tasks at a URL.
func sourceAt(url string) string {
	return `{apiVersion: studio.livepeer.org/v1alpha1, kind: LivepeerTaskSource, metadata: {name: main}, ` +
		`spec: {url: "` + url + `", secretRef: {name: livepeer}, interval: 1s}}`
}
