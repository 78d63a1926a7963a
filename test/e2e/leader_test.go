// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const lease = "livepeer-task-operator.studio.livepeer.org"

// pods returns the operator's pods, save those that are going.
func (e *suite) pods() []corev1.Pod {
	e.t.Helper()
	list := &corev1.PodList{}
	e.g.Expect(e.client.List(e.t.Context(), list, client.InNamespace(systemNamespace),
		client.MatchingLabels{"app.kubernetes.io/component": "manager"})).To(Succeed())
	var pods []corev1.Pod
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp == nil {
			pods = append(pods, list.Items[i])
		}
	}
	return pods
}

// holder returns who holds the lease.
func (e *suite) holder() (string, error) {
	return e.try("-n", systemNamespace, "get", "lease", lease, "--ignore-not-found", "-o", "jsonpath={.spec.holderIdentity}")
}

// leader returns the pod that leads, or nothing.
func (e *suite) leader() (string, error) {
	holder, err := e.holder()
	pod, _, _ := strings.Cut(holder, "_")
	return pod, err
}

// Two replicas, and the one that leads is disturbed while the tasks change every moment: the other takes over, and no
// task is lost or doubled.
func TestLeader(t *testing.T) {
	e := begin(t)
	e.operator(asRelayed)
	a := e.account("leader", 150, "10")
	a.source()
	a.set(`"interval": "1s"`)
	a.connect()
	for name, test := range map[string]func(*account){
		"deleted": testDeleted, "killed": testKilled, "partitioned": testPartitioned, "paused": testPaused,
	} {
		t.Run(name, func(t *testing.T) {
			own := *a
			own.suite = e.in(t)
			test(&own)
		})
	}
}

// disturbed disturbs the leader, and checks that another process takes over, and what it does.
func (a *account) disturbed(disturb func(leader string)) {
	a.t.Helper()
	a.rolledOut()
	a.caughtUp()
	l := a.follow()
	before, err := a.holder()
	a.g.Expect(err).NotTo(HaveOccurred())
	leader, _, _ := strings.Cut(before, "_")
	disturb(leader)
	a.g.Eventually(a.holder).ShouldNot(Or(BeEmpty(), Equal(before)))
	changes := l.changesSoFar()
	a.g.Eventually(l.changesSoFar).Should(BeNumerically(">", changes), "nobody has taken over")
	a.nothingLostOrDoubled(l)
}

// Its pod is deleted.
func testDeleted(a *account) {
	a.disturbed(func(leader string) { a.k("-n", systemNamespace, "delete", "pod", leader, "--wait=false") })
}

// Its process is killed, with no chance to give the lease back.
func testKilled(a *account) {
	a.disturbed(func(leader string) { a.tellRelay(leader, "signal/KILL") })
}

// It is partitioned off: it reaches the API server no more, while Studio and all others do. It comes back with the line.
func testPartitioned(a *account) {
	var cut string
	a.disturbed(func(leader string) {
		cut = leader
		a.tellRelay(leader, "cut")
	})
	a.g.Expect(a.leader()).NotTo(Equal(cut))
	a.tellRelay(cut, "mend")
}

// It is paused for longer than its lease, and wakes up: it must not go on as if it led.
func testPaused(a *account) {
	var paused string
	a.disturbed(func(leader string) {
		paused = leader
		a.tellRelay(leader, "signal/STOP")
	})
	l := a.follow()
	now, err := a.holder()
	a.g.Expect(err).NotTo(HaveOccurred())
	a.g.Expect(now).NotTo(HavePrefix(paused))
	before := a.restarts(paused)
	a.tellRelay(paused, "signal/CONT")
	a.g.Eventually(a.restarts).WithArguments(paused).Should(BeNumerically(">", before), "it lost its lease, and goes on")
	a.rolledOut()
	a.g.Expect(a.holder()).To(Equal(now))
	a.nothingLostOrDoubled(l)
}

// restarts is how often a pod's operator was started again.
func (e *suite) restarts(name string) int32 {
	pod := &corev1.Pod{}
	if e.client.Get(e.t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: name}, pod) != nil {
		return 0
	}
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == "manager" {
			return status.RestartCount
		}
	}
	return 0
}

// tellRelay tells the relay in a pod what to do.
func (e *suite) tellRelay(pod, what string) {
	e.t.Helper()
	url := "http://127.0.0.1:" + e.forward(systemNamespace, "pod/"+pod, "18080") + "/" + what
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, url, http.NoBody)
	e.g.Expect(err).NotTo(HaveOccurred())
	res, err := http.DefaultClient.Do(req)
	e.g.Expect(err).NotTo(HaveOccurred())
	e.g.Expect(res.Body.Close()).To(Succeed())
	e.g.Expect(res.StatusCode).To(Equal(http.StatusOK))
}
