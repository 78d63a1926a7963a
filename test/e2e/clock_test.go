// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

// A Studio whose clock differs by ten minutes is mirrored like any other: nothing is missed, deleted or shown as stalled too
// early. Its webhooks are refused, for they could be old ones, and an Event says so.
func testClock(e *suite, name, ahead string) {
	a := e.account("clock-"+name, 100, "10")
	a.args = append(a.args, "--clock-ahead="+ahead)
	a.startStudio()
	a.source()
	a.set(`"interval": "1s", "stallAfter": "30m"`)
	a.connect()
	a.caughtUp()
	a.goesOn(a.follow())

	a.k("-n", a.namespace, "patch", "secret", "livepeer", "--type=merge", "-p", `{"stringData": {"webhookSecret": "e2e-secret-clock-`+name+`"}}`)
	a.args = append(a.args, "--webhook="+receiverURL+"/hooks/"+a.namespace+"/main")
	a.startStudio() // whose tasks are those of the beginning again
	a.fullSync("webhooks")
	l := a.follow()
	a.g.Eventually(func() []corev1.Event {
		return slices.DeleteFunc(a.events(), func(event corev1.Event) bool { return event.Reason != "StaleWebhooks" })
	}).Should(ConsistOf(HaveField("Message", ContainSubstring("signed 10m0s away from now"))))
	a.connect()
	a.goesOn(l)
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	stalled, err := a.try("-n", a.namespace, "get", "livepeertasksource", "main", "-o", "jsonpath={.status.tasks.stalled}")
	a.g.Expect(err).NotTo(HaveOccurred())
	a.g.Expect(stalled).To(BeElementOf("", "0"))
}
