// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// What the NetworkPolicy of config/default says holds where the cluster's network enforces policies: in come metrics, probes and
// webhooks, and nothing else; out goes the operator to the ports of Studio, of the API server and of DNS. For another port it
// takes the patch that docs/install.md shows.
func TestNetworkPolicy(t *testing.T) {
	e := begin(t)
	e.operator(asRelayed) // with one port more, which the policy does not name
	a := e.account("network", 20, "1")
	address := e.pods()[0].Status.PodIP
	a.askAsPod("relay", "http://"+address+":18080/healthz", "Never")
	if a.ended("relay") == "Succeeded" {
		t.Skip("the network of this cluster enforces no NetworkPolicy")
	}
	for name, url := range map[string]string{"metrics": "https://:8443/metrics", "probes": "http://:8081/readyz", "webhooks": "http://:9292/"} {
		a.askAsPod(name, strings.Replace(url, "//", "//"+address, 1), "OnFailure") // again: the network learns of a new pod by and by
		a.g.Expect(a.ended(name)).To(Equal("Succeeded"), name)
	}

	a.source()
	a.port = "9443"
	a.args[0] = "--listen=:" + a.port
	a.startStudio()
	a.set(`"timeout": "2s"`)
	a.g.Eventually(a.reason).Should(Equal("Unavailable"))
	a.g.Expect(a.message()).To(ContainSubstring("network policies"), "it does not say what to look at")
	a.k("-n", systemNamespace, "patch", "networkpolicy", "livepeer-task-operator-controller-manager", "--type=json",
		"-p", `[{"op": "add", "path": "/spec/egress/-", "value": {"ports": [{"port": 9443, "protocol": "TCP"}]}}]`)
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	e.uninstall() // the next test finds the policy as it is shipped
}

// askAsPod asks for a URL from a pod of the account's namespace.
func (a *account) askAsPod(name, url, restartPolicy string) {
	a.t.Helper()
	pod := strings.NewReplacer("OnFailure", restartPolicy, "ACCOUNT}", name+"}", "ACCOUNT", "default", "IMAGE", a.peers, "URL", url, "MOUNT", "false")
	a.apply(pod.Replace(getPod), "-n", a.namespace, "apply", "-f", "-")
}

// ended waits until such a pod has, and returns how.
func (a *account) ended(name string) (phase string) {
	a.t.Helper()
	a.g.Eventually(func() (string, error) {
		var err error
		phase, err = a.try("-n", a.namespace, "get", "pod", name, "-o", "jsonpath={.status.phase}")
		return phase, err
	}).Should(Or(Equal("Succeeded"), Equal("Failed")))
	return phase
}
