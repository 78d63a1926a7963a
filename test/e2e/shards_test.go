// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

const shardDeployment = "deployment/" + deployment + "-shard-"

// Two shards as docs/shards.md installs them, of two replicas each. While the tasks change every moment, the shard that serves the
// source fails over, and the source is moved to the other and back: no task is lost or doubled.
func TestTwoShards(t *testing.T) {
	e := begin(t)
	e.uninstall()
	e.leave("delete", "--ignore-not-found", "--timeout=90s", "-k", everything)
	e.k("apply", "--server-side", "-k", "config/cluster")
	shards := map[string]string{"a": e.shard("a"), "b": e.shard("b")} // their namespaces
	a := e.account("shards", 150, "10")
	a.shardedSource("a")
	a.connect()
	a.set(`"interval": "1s"`)
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	a.caughtUp()
	holders := e.leaseHolders(shards)
	e.g.Expect(holders).To(HaveLen(2), "each shard has a lease of another name, and a leader: %v", holders)

	l := a.follow()
	var leader, lease string
	for name, holder := range holders {
		if strings.HasPrefix(holder, shards["a"]+"/") {
			lease, leader = name, strings.TrimPrefix(holder, shards["a"]+"/")
		}
	}
	pod, _, _ := strings.Cut(leader, "_")
	e.k("-n", shards["a"], "delete", "pod", pod, "--wait=false")
	e.g.Eventually(func() string { return e.leaseHolders(shards)[lease] }).ShouldNot(Or(BeEmpty(), Equal(shards["a"]+"/"+leader)))
	a.goesOn(l)

	a.move("b")
	e.k("-n", shards["a"], "scale", shardDeployment+"a", "--replicas=0")
	e.g.Eventually(func() (string, error) {
		return e.try("-n", shards["a"], "get", "pods", "-o", "name")
	}).Should(BeEmpty())
	a.goesOn(l) // so it is b that serves it
	e.k("-n", shards["a"], "scale", shardDeployment+"a", "--replicas=2")
	e.rolledOutShard("a", shards["a"])
	a.move("a")
	a.goesOn(l)
	a.g.Expect(a.reason()).To(Equal("Synced"))
}

// goesOn checks that tasks go on changing, and none was lost or doubled.
func (a *account) goesOn(l *ledger) {
	a.t.Helper()
	changes := l.changesSoFar()
	a.g.Eventually(l.changesSoFar).Should(BeNumerically(">", changes), "nobody serves the source")
	a.nothingLostOrDoubled(l)
}

// shard installs one, and returns its namespace.
func (e *suite) shard(name string) string {
	e.t.Helper()
	namespace := "e2e-shard-" + name
	e.k("delete", "namespace", namespace, "--ignore-not-found", "--timeout=90s") // of a run that was broken off
	more := "namespace: " + namespace + "\nnameSuffix: -" + name + "\npatches:\n- target: {kind: Deployment}\n  patch: |-\n" +
		"    - {op: add, path: /spec/template/spec/containers/0/args/-, value: \"--watch-label-selector=studio.livepeer.org/shard=" + name + "\"}"
	rendered := e.k("kustomize", e.overlay("config/shard", more))
	file := filepath.Join(e.t.TempDir(), "shard.yaml")
	e.g.Expect(os.WriteFile(file, []byte(rendered), 0o600)).To(Succeed())
	e.leave("delete", "--ignore-not-found", "--timeout=90s", "-f", file)
	e.k("apply", "--server-side", "-f", file)
	e.rolledOutShard(name, namespace)
	return namespace
}

func (e *suite) rolledOutShard(name, namespace string) {
	e.t.Helper()
	e.k("-n", namespace, "rollout", "status", shardDeployment+name, "--timeout=60s")
}

// shardedSource creates the account's source, with the label of a shard.
func (a *account) shardedSource(shard string) {
	a.t.Helper()
	authority := filepath.Join(a.dir, "ca.crt")
	a.g.Expect(os.WriteFile(authority, a.authority.pem, 0o600)).To(Succeed())
	a.k("-n", a.namespace, "create", "secret", "generic", "livepeer", "--from-literal=apiKey="+a.key, "--from-file=ca.crt="+authority)
	a.apply(sourceAt(a.inside()), "-n", a.namespace, "apply", "-f", "-")
	a.move(shard)
}

// move gives the account's source to a shard.
func (a *account) move(shard string) {
	a.t.Helper()
	a.k("-n", a.namespace, "label", "--overwrite", "livepeertasksource", "main", "studio.livepeer.org/shard="+shard)
}

// leaseHolders returns who holds the lease of each shard, as namespace/holder, by the name of the lease.
func (e *suite) leaseHolders(shards map[string]string) map[string]string {
	e.t.Helper()
	holders := map[string]string{}
	for _, namespace := range shards {
		out := e.k("-n", namespace, "get", "leases", "-o", `jsonpath={range .items[*]}{.metadata.name} {.spec.holderIdentity}{"\n"}{end}`)
		for line := range strings.Lines(out) {
			name, holder, _ := strings.Cut(strings.TrimSpace(line), " ")
			if holder != "" {
				holders[name] = namespace + "/" + holder
			}
		}
	}
	return holders
}
