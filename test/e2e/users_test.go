// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// What people do with an operator that is there. They don't disturb each other, and so these run at once.
func TestUsers(t *testing.T) {
	e := begin(t)
	e.operator(asHA)
	for name, test := range map[string]func(*suite){
		"first source":       testFirstSource,
		"key rotation":       testKeyRotation,
		"authority rotation": testAuthorityRotation,
		"deleted source":     testDeletedSource,
		"metrics":            testMetrics,
		"push":               testPush,
		"studio away":        testStudioAway,
		"clock ahead":        func(e *suite) { testClock(e, "ahead", "10m") },
		"clock behind":       func(e *suite) { testClock(e, "behind", "-10m") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(e.in(t))
		})
	}
}

// What the README says about the first source mirrors a Studio.
func testFirstSource(e *suite) {
	a := e.account("first", 200, "1")
	a.source()
	a.connect()
	a.caughtUp()
	for _, line := range []string{"kubectl get lpts", "kubectl get lpt -o wide", "kubectl get lpt --field-selector status.phase=failed"} {
		a.shell("", line)
	}
}

// A key that is replaced in its Secret takes effect, without anything else being touched.
func testKeyRotation(e *suite) {
	a := e.account("key", 50, "0.0001")
	a.source()
	a.set(`"interval": "1s"`)
	a.key = "e2e-another-key"
	a.startStudio() // the same one, which knows only the new key
	a.g.Eventually(a.reason).Should(Equal("Unauthorized"))
	tasks, err := a.tasks(a.t.Context())
	a.g.Expect(err).NotTo(HaveOccurred())
	a.g.Expect(len(tasks)).To(BeNumerically(">=", 50), "what is mirrored stays")
	a.k("-n", a.namespace, "patch", "secret", "livepeer", "-p", `{"stringData": {"apiKey": "`+a.key+`"}}`)
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	a.connect()
	a.caughtUp()
}

// So does an authority: a Studio whose certificate comes from another one is refused until the Secret has it.
func testAuthorityRotation(e *suite) {
	a := e.account("authority", 50, "0.0001")
	a.source()
	a.set(`"interval": "1s"`)
	before := a.identities()
	a.authority = newAuthority(e)
	a.startStudio()
	a.k("-n", a.namespace, "rollout", "restart", "deployment/studio")
	a.k("-n", a.namespace, "rollout", "status", "deployment/studio", "--timeout=60s")
	a.g.Eventually(a.message).Should(ContainSubstring("ca.crt of the Secret"))
	patch, err := json.Marshal(map[string]any{"stringData": map[string]string{"ca.crt": string(a.authority.pem)}})
	a.g.Expect(err).NotTo(HaveOccurred())
	a.k("-n", a.namespace, "patch", "secret", "livepeer", "-p", string(patch))
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	a.connect()
	a.caughtUp()
	a.stillThere(before)
}

// Deleting the source collects its tasks, and no others.
func testDeletedSource(e *suite) {
	a := e.account("gone", 100, "1")
	a.source()
	a.k("-n", a.namespace, "delete", "livepeertasksource", "main", "--timeout=30s")
	// The collector learns of CRDs that were removed and installed again every 30 seconds, and may need a few attempts.
	a.g.Eventually(a.tasks, 4*time.Minute).WithArguments(a.t.Context()).Should(BeEmpty())
}

// A Studio that is away makes no replica unready or dead.
func testStudioAway(e *suite) {
	restarts := map[string]int32{}
	for _, pod := range e.pods() {
		restarts[pod.Name] = e.restarts(pod.Name)
	}
	a := e.account("away", 20, "1")
	a.source()
	a.k("-n", a.namespace, "scale", "deployment/studio", "--replicas=0")
	a.g.Eventually(a.reason).Should(Equal("Unavailable"))
	for name, before := range restarts {
		for _, path := range []string{"/healthz", "/readyz"} {
			e.g.Expect(e.probe(name, path)).To(Equal(http.StatusOK), path)
		}
		e.g.Expect(e.restarts(name)).To(Equal(before))
	}
	for _, pod := range e.pods() {
		e.g.Expect(pod.Status.ContainerStatuses[0].Ready).To(BeTrue())
	}
}
