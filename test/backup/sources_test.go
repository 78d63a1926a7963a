// SPDX-License-Identifier: Apache-2.0

package backup_test

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

// TestSourcesAndSecretsAreEnough: restored into an empty cluster, they bring all tasks back. What is restored is told to nobody, and both
// clusters may mirror the account at once.
func TestSourcesAndSecretsAreEnough(t *testing.T) {
	account := newAccount(t, "moves", "ends", "goes")
	old := newCluster(t)
	account.applyTo(old)
	kill := old.operate()
	old.Eventually(account.mirroredBy(old), soon, "500ms").Should(Succeed())
	sources := old.save("get livepeertasksources -A -o yaml")
	secrets := old.save("get secret livepeer -n media -o yaml")
	before := old.uids(old)
	kill()
	account.becomes("ends", "completed")
	account.server.Delete("goes")

	restored := newCluster(t)
	restored.kubectl("create namespace media")
	restored.kubectl("create -f " + secrets)
	restored.kubectl("create -f " + sources)
	restored.operate()

	restored.Eventually(account.mirroredBy(restored), soon, "500ms").Should(Succeed())
	known := map[types.UID]bool{}
	for _, uid := range before {
		known[uid] = true
	}
	for id, task := range restored.tasks(restored) {
		restored.Expect(known).NotTo(HaveKey(task.UID), "%s is a new object", id)
		restored.Expect(task.Status.Notifications).To(BeEmpty(), "%s is news to nobody", id)
	}
	restored.Expect(account.told("ends", "completed")).To(BeEmpty())

	testBothFollow(account, old, restored)
}

// testBothFollow: two clusters that mirror one account do not disturb each other. Each tells of what changes, as an event of its own.
func testBothFollow(account *account, old, restored *cluster) {
	old.t.Helper()
	restored.Eventually(func(g Gomega) { // else it may take the change for part of what it restores
		source := &v1alpha1.LivepeerTaskSource{}
		g.Expect(restored.bed.Admin.Get(restored.ctx, types.NamespacedName{Namespace: namespace, Name: testbed.SourceName}, source)).To(Succeed())
		g.Expect(source.Status.LastFullSyncTime).NotTo(BeNil())
	}, soon, "100ms").Should(Succeed())
	old.operate()
	account.becomes("moves", "running")
	old.sync()
	for _, c := range []*cluster{old, restored} {
		c.Eventually(account.mirroredBy(c), soon, "500ms").Should(Succeed())
	}
	old.Eventually(func() int { return different(account.told("moves", "running")) }, soon, "100ms").Should(Equal(2))
}
