// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// node runs commands on the cluster's only node, by the command of E2E_NODE: as root, among the node's processes.
type node struct {
	*suite
	command string
}

// node skips the test where nothing leads to the node, or where more than one of them would have to be disturbed.
func (e *suite) node() *node {
	e.t.Helper()
	n := &node{suite: e, command: os.Getenv("E2E_NODE")}
	if n.command == "" {
		e.t.Skip("SKIP: E2E_NODE is not set: a command that runs its arguments on the node")
	}
	list := &corev1.NodeList{}
	e.g.Expect(e.client.List(e.t.Context(), list)).To(Succeed())
	if len(list.Items) != 1 {
		e.t.Skip("SKIP: the cluster has more than one node")
	}
	// Signals must not reach the processes of another machine.
	e.g.Expect(n.run("cat", "/proc/sys/kernel/hostname")).To(Equal(list.Items[0].Labels[corev1.LabelHostname]), "E2E_NODE leads elsewhere")
	return n
}

// run runs a command on the node.
func (n *node) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(n.t.Context()), soon)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", n.command + ` "$@"`, "node"}, args...)...)
	cmd.Dir = n.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", n.command, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// changing returns an account whose tasks change at this speed, mirrored by two replicas.
func (e *suite) changing(name, speed string) *account {
	e.t.Helper()
	e.operator(asHA)
	a := e.account(name, 150, speed)
	a.source()
	a.set(`"interval": "1s"`)
	a.connect()
	a.caughtUp()
	return a
}

// signalScript sends processes a signal, by the name of their program, and prints their IDs.
const signalScript = `for p in /proc/[0-9]*; do
  [ "$(cat $p/comm 2>/dev/null)" = "$1" ] && kill -"$2" "${p#/proc/}" && echo "${p#/proc/}"
done; true`

// signal sends a signal to the processes of a program, and returns their IDs.
func (n *node) signal(program, name string) string {
	n.t.Helper()
	ids, err := n.run("sh", "-c", signalScript, "signal", program, name)
	n.g.Expect(err).NotTo(HaveOccurred())
	n.g.Expect(ids).NotTo(BeEmpty(), "no process of %s", program)
	return ids
}

// The kubelet is killed, and then every container of the operator at once: all is as it was before.
func TestKubeletAndContainersKilled(t *testing.T) {
	e := begin(t)
	n := e.node()
	a := e.changing("kubelet", "10")
	before := a.identities()
	l := a.follow()
	restarts := e.allRestarts()

	n.signal("kubelet", "KILL")
	changes := l.changesSoFar()
	a.g.Eventually(l.changesSoFar).Should(BeNumerically(">", changes), "the operator needs no kubelet")
	e.g.Eventually(func() (string, error) {
		return e.try("-n", a.namespace, "logs", "deployment/studio", "--tail=1")
	}).ShouldNot(BeEmpty(), "the node starts its kubelet again, and that knows its pods")
	a.connect()
	a.goesOn(l)
	e.g.Expect(e.allRestarts()).To(Equal(restarts), "the kubelet came back, and started the operator again")

	n.signal("manager", "KILL")
	e.g.Eventually(e.allRestarts).Should(Equal(restarts + 2))
	e.rolledOut()
	a.connect()
	a.goesOn(l)
	a.g.Expect(a.reason()).To(Equal("Synced"))
	a.stillThere(before)
}

// The API server is away: first it answers nothing, then connections are refused. Nothing is deleted, and what changed
// meanwhile arrives without anybody's help.
func TestAPIServerAway(t *testing.T) {
	e := begin(t)
	n := e.node()
	a := e.changing("apiserver", "10")
	for name, away := range map[string]func(time.Duration){"silent": n.silence, "refused": n.refuse} {
		t.Run(name, func(t *testing.T) {
			own := *a
			own.suite = e.in(t)
			own.apiServerAway(away)
		})
	}
}

// awayFor is longer than the lease, its renewal and the time that watches and caches are waited for.
const awayFor = 40 * time.Second

func (a *account) apiServerAway(away func(time.Duration)) {
	a.t.Helper()
	before, told, restarts, began := a.identities(), a.toldOfSource(), a.allRestarts(), time.Now()
	away(awayFor)
	a.g.Eventually(func() (string, error) { return a.try("get", "--raw", "/readyz") }).Should(Equal("ok"))
	back := time.Now()
	a.t.Logf("the API server was away for %v", back.Sub(began).Round(time.Second))
	a.g.Eventually(a.leader).ShouldNot(BeEmpty())
	a.connect()
	a.caughtUp()
	a.t.Logf("caught up %v after it was back", time.Since(back).Round(time.Second))
	l := a.follow()
	a.goesOn(l)
	a.g.Eventually(a.allReady, 5*time.Minute).Should(Succeed(), "of a node that was silent, Kubernetes calls every pod unready for some minutes")
	a.g.Expect(a.allRestarts()-restarts).To(BeNumerically("<=", 2), "a replica that lost its lease ends once, and then waits")
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	a.stillThere(before)
	a.g.Expect(a.toldOfSource()-told).To(BeNumerically("<=", 4), "Events of the source")
	a.toldOnce()
}

// silence stops the API server's process: connections are accepted, and nothing is answered.
func (n *node) silence(d time.Duration) {
	n.signal("kube-apiserver", "STOP")
	wait(d)
	n.signal("kube-apiserver", "CONT")
}

// refuse kills the API server again and again, as soon as it is started.
func (n *node) refuse(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); wait(500 * time.Millisecond) {
		_, err := n.run("sh", "-c", signalScript, "signal", "kube-apiserver", "KILL")
		n.g.Expect(err).NotTo(HaveOccurred())
	}
}

// wait lets an outage last.
func wait(d time.Duration) { <-time.After(d) }

// The node restarts, with every pod on it. It takes a command that does so, and ends when the API server is back.
func TestNodeReboots(t *testing.T) {
	e := begin(t)
	reboot := os.Getenv("E2E_REBOOT")
	if reboot == "" {
		t.Skip("SKIP: E2E_REBOOT is not set: a command that restarts the cluster's only node")
	}
	a := e.changing("reboot", "0.0001") // its tasks are the same ones afterwards
	before, restarts := a.identities(), e.allRestarts()
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", reboot).CombinedOutput()
	e.g.Expect(err).NotTo(HaveOccurred(), string(out))
	began := time.Now()
	e.g.Eventually(func() (string, error) { return e.try("get", "--raw", "/readyz") }).Should(Equal("ok"))
	// Until the kubelet has looked at them, all pods are said to be as they were.
	e.g.Eventually(e.allRestarts).Should(BeNumerically(">=", restarts+2))
	e.g.Eventually(func() (string, error) {
		return a.try("-n", a.namespace, "get", "pods", "-l", "app=studio", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}")
	}).ShouldNot(Equal("0"))
	e.g.Eventually(e.allReady, 5*time.Minute).Should(Succeed())
	a.k("-n", a.namespace, "rollout", "status", "deployment/studio", "--timeout=120s")
	a.connect()
	a.fullSync("rebooted")
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	a.caughtUp()
	t.Logf("all is well %v after the reboot", time.Since(began).Round(time.Second))
	a.stillThere(before)
}

// allReady fails where not every replica of the operator is ready.
func (e *suite) allReady() error {
	_, err := e.try("-n", systemNamespace, "rollout", "status", "deployment/"+deployment, "--timeout=50s")
	return err
}

// allRestarts is how often containers of the operator were started again.
func (e *suite) allRestarts() int32 {
	e.t.Helper()
	restarts := int32(0)
	for _, pod := range e.pods() {
		restarts += e.restarts(pod.Name)
	}
	return restarts
}

// identities returns the UID of each object by its task's ID.
func (a *account) identities() map[string]types.UID {
	a.t.Helper()
	tasks, err := a.tasks(a.t.Context())
	a.g.Expect(err).NotTo(HaveOccurred())
	uids := map[string]types.UID{}
	for i := range tasks {
		uids[tasks[i].Spec.ID] = tasks[i].UID
	}
	a.g.Expect(len(uids)).To(Equal(len(tasks)))
	return uids
}

// stillThere checks that no task that Studio has was deleted, or made anew.
func (a *account) stillThere(before map[string]types.UID) {
	a.t.Helper()
	has, err := a.listed(a.t.Context())
	a.g.Expect(err).NotTo(HaveOccurred())
	now := a.identities()
	for id, uid := range before {
		if _, there := has[id]; there {
			a.g.Expect(now).To(HaveKeyWithValue(id, uid))
		}
	}
}

// toldOfSource counts the Events of the account's source, each as often as it was told.
func (a *account) toldOfSource() int {
	a.t.Helper()
	told := 0
	for _, event := range a.events() {
		if event.InvolvedObject.Kind == "LivepeerTaskSource" {
			told += max(1, int(event.Count))
		}
	}
	return told
}

// toldOnce checks that no two Events tell the same of one task.
func (a *account) toldOnce() {
	a.t.Helper()
	times := map[string]int{}
	for _, event := range a.events() {
		if event.InvolvedObject.Kind == "LivepeerTask" {
			times[fmt.Sprint(event.InvolvedObject.UID, event.Reason, event.Message)]++
			a.g.Expect(event.Count).To(BeNumerically("<=", 1))
		}
	}
	for what, n := range times {
		a.g.Expect(n).To(BeNumerically("<=", 3), what) // Studio itself tries a task again
	}
}

func (a *account) events() []corev1.Event {
	a.t.Helper()
	list := &corev1.EventList{}
	a.g.Expect(a.client.List(a.t.Context(), list, inNamespace(a.namespace))).To(Succeed())
	return list.Items
}
