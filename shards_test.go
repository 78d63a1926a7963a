// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// shardBench is two shards, the first of which has two replicas. Each replica is known by its address.
type shardBench struct {
	Gomega
	*bench
	t        *testing.T
	studio   *livepeertest.Server
	url      string
	replicas map[string]*exec.Cmd
}

// testShards: each shard has a leader of its own, and its own source served; a source that matches none is served by nobody; and when
// a leader is killed, the other replica of its shard takes over, and no other.
func (b *bench) testShards(t *testing.T) {
	s := &shardBench{Gomega: NewWithT(t), bench: b, t: t, studio: livepeertest.NewServer(), replicas: map[string]*exec.Cmd{}}
	s.studio.Populate(20, 1)
	server := httptest.NewServer(s.studio)
	t.Cleanup(server.Close)
	s.url = server.URL + "/api"
	s.mayHaveAnyLease()
	a, other, unserved := s.labelled("a"), s.labelled("b"), s.labelled("c")
	_, port, err := net.SplitHostPort(freeAddress(t))
	s.Expect(err).NotTo(HaveOccurred())
	a1, a2, b1 := "127.0.0.1:"+port, "127.0.0.2:"+port, "127.0.0.3:"+port
	s.start(a1, "shard=a,tier!=test")
	s.start(a2, "tier notin (test), shard in (a)") // written in another way, it is the same
	s.start(b1, "shard=b")
	s.synced(a)
	s.synced(other)
	s.Expect(s.reason(t.Context(), unserved)).To(BeEmpty())
	leaders := s.leaders()
	s.Expect(leaders).To(Or(ConsistOf(a1, b1), ConsistOf(a2, b1)), "one for each shard")

	heir := a2
	if leaders[0] == a2 || leaders[1] == a2 {
		heir = a1
	}
	killed := map[string]string{a1: a2, a2: a1}[heir]
	s.Expect(s.replicas[killed].Process.Kill()).To(Succeed())
	s.Eventually(s.leaders, soon).Should(ConsistOf(heir, b1))
	id := s.studio.IDs()[0]
	s.studio.Update(id, func(task livepeertest.Task) {
		task["status"] = map[string]any{"phase": "cancelled", "updatedAt": time.Now().UnixMilli()}
	})
	for _, source := range []*v1alpha1.LivepeerTaskSource{a, other} {
		task := &v1alpha1.LivepeerTask{}
		s.Eventually(func() string {
			s.Expect(s.client.Get(t.Context(), client.ObjectKey{Namespace: source.Namespace, Name: id}, task)).To(Succeed())
			return task.Status.Phase
		}, soon).Should(Equal("cancelled"))
	}
	s.Expect(s.reason(t.Context(), unserved)).To(BeEmpty())
	s.label(unserved, "b")
	s.synced(unserved)
}

// mayHaveAnyLease gives the operator the right that config/shard does.
func (s *shardBench) mayHaveAnyLease() {
	role := &rbacv1.Role{}
	key := client.ObjectKey{Namespace: systemNamespace, Name: "livepeer-task-operator-leader-election-role"}
	s.Expect(s.client.Get(s.t.Context(), key, role)).To(Succeed())
	for i := range role.Rules {
		role.Rules[i].ResourceNames = nil
	}
	s.Expect(s.client.Update(s.t.Context(), role)).To(Succeed())
}

// labelled creates a source of a shard.
func (s *shardBench) labelled(shard string) *v1alpha1.LivepeerTaskSource {
	source := s.source(s.t, s.url, livepeertest.APIKey)
	s.label(source, shard)
	return source
}

func (s *shardBench) label(source *v1alpha1.LivepeerTaskSource, shard string) {
	s.t.Helper()
	labelled := source.DeepCopy()
	labelled.Labels = map[string]string{"shard": shard}
	s.Expect(s.client.Patch(s.t.Context(), labelled, client.MergeFrom(source))).To(Succeed())
}

func (s *shardBench) synced(source *v1alpha1.LivepeerTaskSource) {
	s.t.Helper()
	s.Eventually(s.reason, soon).WithArguments(s.t.Context(), source).Should(Equal(v1alpha1.ReasonSynced))
}

// start runs a replica, as in a pod with this address, until the test ends.
func (s *shardBench) start(address, selector string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.binary, "--kubeconfig="+s.kubeconfig, "--leader-elect", "--watch-label-selector="+selector,
		"--health-probe-bind-address=0", "--metrics-bind-address=0", "--receiver-bind-address="+address)
	ip, _, err := net.SplitHostPort(address)
	s.Expect(err).NotTo(HaveOccurred())
	cmd.Env = append(os.Environ(), "POD_NAMESPACE="+systemNamespace, "POD_IP="+ip)
	printed := &output{}
	cmd.Stdout, cmd.Stderr = printed, printed
	s.Expect(cmd.Start()).To(Succeed())
	s.replicas[address] = cmd
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // that it was ended is an error as well
		if s.t.Failed() {
			s.t.Log(printed.String())
		}
	})
}

// leaders are the addresses in the leases of shards.
func (s *shardBench) leaders() (addresses []string) {
	leases := &coordinationv1.LeaseList{}
	s.Expect(s.client.List(s.t.Context(), leases, client.InNamespace(systemNamespace))).To(Succeed())
	for i := range leases.Items {
		holder := leases.Items[i].Spec.HolderIdentity
		if leases.Items[i].Name != leaseName && holder != nil {
			addresses = append(addresses, (*holder)[strings.LastIndex(*holder, "_")+1:])
		}
	}
	return addresses
}
