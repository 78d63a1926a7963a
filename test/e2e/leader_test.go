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

// disturbed starts an account whose tasks change every moment, disturbs the leader, and checks that another process
// takes over and that no task was lost or doubled.
func (e *suite) disturbed(name string, disturb func(leader string)) *account {
	e.t.Helper()
	a := e.account(name, 150, "10")
	a.source()
	a.set(`"interval": "1s"`)
	a.connect()
	a.g.Eventually(a.difference).WithArguments(a.t.Context()).Should(BeEmpty())
	l := a.follow()
	before, err := a.holder()
	a.g.Expect(err).NotTo(HaveOccurred())
	leader, _, _ := strings.Cut(before, "_")
	disturb(leader)
	a.g.Eventually(a.holder).ShouldNot(Or(BeEmpty(), Equal(before)))
	changes := l.changesSoFar()
	a.g.Eventually(l.changesSoFar).Should(BeNumerically(">", changes), "nobody has taken over")
	a.nothingLostOrDoubled(l)
	return a
}

// The leader is deleted: the other replica goes on.
func TestLeaderDeleted(t *testing.T) {
	e := begin(t)
	e.operator(asHA)
	e.disturbed("deleted", func(leader string) {
		e.k("-n", systemNamespace, "delete", "pod", leader)
	})
	e.rolledOut()
}

// The leader's process is killed, with no chance to give its lease back.
func TestLeaderKilled(t *testing.T) {
	e := begin(t)
	e.operator(asRelayed)
	e.disturbed("killed", func(leader string) { e.tellRelay(leader, "signal/KILL") })
	e.rolledOut()
}

// The leader is partitioned off: it reaches the API server no more, while Studio and all others do. Its pod comes back once
// the line does.
func TestLeaderPartitioned(t *testing.T) {
	e := begin(t)
	e.operator(asRelayed)
	var cut string
	e.disturbed("parted", func(leader string) {
		cut = leader
		e.tellRelay(leader, "cut")
	})
	e.g.Expect(e.leader()).NotTo(Equal(cut))
	e.tellRelay(cut, "mend")
	e.rolledOut()
}

// The leader is paused for longer than its lease, and wakes up: it must not go on as if it led.
func TestLeaderPaused(t *testing.T) {
	e := begin(t)
	e.operator(asRelayed)
	var paused string
	a := e.disturbed("paused", func(leader string) {
		paused = leader
		e.tellRelay(leader, "signal/STOP")
	})
	l := a.follow()
	now, err := e.holder()
	e.g.Expect(err).NotTo(HaveOccurred())
	e.tellRelay(paused, "signal/CONT")
	e.g.Eventually(func() int32 { return e.restarts(paused) }).Should(BeNumerically(">", 0), "it lost its lease, and goes on")
	e.rolledOut()
	e.g.Expect(e.holder()).To(Equal(now))
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
