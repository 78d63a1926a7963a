// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	. "github.com/onsi/gomega"
)

const receiverURL = "http://livepeer-task-operator-receiver." + systemNamespace + ".svc:9292"

// A source that is hardly ever polled has what Studio's webhooks tell, whichever replica the Service hands them to.
func testPush(e *suite) {
	a := e.account("push", 150, "0.0001")
	a.source()
	a.k("-n", a.namespace, "patch", "secret", "livepeer", "--type=merge", "-p", `{"stringData": {"webhookSecret": "e2e-webhook-secret"}}`)
	path := func() (string, error) {
		return a.try("-n", a.namespace, "get", "livepeertasksource", "main", "-o", "jsonpath={.status.receiver.path}")
	}
	a.g.Eventually(path).Should(Equal("/hooks/" + a.namespace + "/main"))

	a.args = append(a.args, "--speed=10", "--webhook="+receiverURL+"/hooks/"+a.namespace+"/main")
	a.startStudio() // the same one, whose time passes now
	a.fullSync("reachable")
	a.set(`"interval": "10m"`) // from now on, a failure would keep it waiting as long
	a.fullSync("webhooks")
	l := a.follow()
	a.g.Eventually(l.changesSoFar).Should(BeNumerically(">", 20), "no webhook arrives")
	a.connect()
	a.caughtUp()
}
