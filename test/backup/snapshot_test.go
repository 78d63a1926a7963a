// SPDX-License-Identifier: Apache-2.0

package backup_test

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

// TestASnapshotCatchesUp: a cluster whose etcd is put back to an earlier state is what Studio shows. What was known then keeps its
// object, and whatever happened since is told, again where it was told before, with the same ID.
func TestASnapshotCatchesUp(t *testing.T) {
	account := newAccount(t, "known", "held", "goes", "missed", "still")
	c := newCluster(t)
	account.applyTo(c)
	kill := c.operate()
	c.Eventually(account.mirroredBy(c), soon, "500ms").Should(Succeed())
	account.refuse("held")
	account.becomes("known", "running")
	account.becomes("held", "running")
	c.Eventually(account.told, soon, "100ms").WithArguments("known", "running").ShouldNot(BeEmpty())
	c.Eventually(func(g Gomega) {
		g.Expect(c.tasks(g)["held"].Status.Notifications).To(HaveLen(1))
		g.Expect(c.tasks(g)["known"].Status.Notifications).To(BeEmpty())
	}, soon, "100ms").Should(Succeed())
	kill()
	then := c.uids(c)
	keep, snapshot := c.bed.Private("certificates"), c.bed.Private("snapshot")
	c.Expect(c.bed.Plane.TakeSnapshot(keep, snapshot)).To(Succeed())

	account.changesAfter(c)
	account.becomes("missed", "failed") // while nobody looks
	account.add("short", "completed")
	account.refuse("")
	c.Expect(c.bed.Plane.RestoreSnapshot(keep, snapshot)).To(Succeed())
	var restored map[string]types.UID
	c.Eventually(func(g Gomega) { restored = c.uids(g) }, soon, "100ms").Should(Succeed())
	c.Expect(restored).To(Equal(then), "the cluster is what it was")
	c.operate()
	c.sync()

	c.Eventually(account.mirroredBy(c), soon, "500ms").Should(Succeed())
	now := c.uids(c)
	c.Expect(now).NotTo(Or(HaveKey("goes"), HaveKey("brief")))
	delete(then, "goes")
	for id, uid := range then {
		c.Expect(now).To(HaveKeyWithValue(id, uid))
	}
	for _, told := range []struct {
		task, phase string
		times       int // at least
	}{
		{"known", "running", 1}, {"known", "completed", 2}, {"late", "pending", 2},
		{"held", "running", 1}, {"missed", "failed", 1}, {"short", "completed", 1},
	} {
		c.Eventually(func() int { return len(account.told(told.task, told.phase)) }, soon, "100ms").
			Should(BeNumerically(">=", told.times), "%v", told)
		c.Expect(different(account.told(told.task, told.phase))).To(Equal(1), "%v is the same event", told)
	}
	c.Expect(account.told("brief", "pending")).NotTo(BeEmpty())
	c.Expect(account.told("still", "pending")).To(BeEmpty())
}

// changesAfter is what happens in Studio, and is mirrored and told, between the snapshot and the loss of the cluster.
func (a *account) changesAfter(c *cluster) {
	c.t.Helper()
	kill := c.operate()
	a.becomes("known", "completed")
	a.add("late", "pending")
	a.add("brief", "pending")
	c.Eventually(a.mirroredBy(c), soon, "500ms").Should(Succeed())
	a.server.Delete("goes")
	a.server.Delete("brief")
	c.sync()
	c.Eventually(a.mirroredBy(c), soon, "500ms").Should(Succeed())
	for task, phase := range map[string]string{"known": "completed", "late": "pending", "brief": "pending"} {
		c.Eventually(a.told, soon, "100ms").WithArguments(task, phase).ShouldNot(BeEmpty())
	}
	kill()
}
