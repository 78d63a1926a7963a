// SPDX-License-Identifier: Apache-2.0

package election

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clientv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

const leaseName = "lease"

// TestTheConfigIsLeftAlone: the time-out of the lease's requests would cut off every watch of the operator, and each list that takes
// longer.
func TestTheConfigIsLeftAlone(t *testing.T) {
	g := NewWithT(t)
	config := &rest.Config{Host: "https://127.0.0.1:1", UserAgent: "operator"}
	lock, err := NewLock(config, Options{Namespace: "n", Name: "l", RenewDeadline: 6 * time.Second})
	g.Expect(err).NotTo(HaveOccurred())
	requests := lock.Client.(*leases).LeasesGetter.(*clientv1.CoordinationV1Client).RESTClient().(*rest.RESTClient)
	g.Expect(requests.Client.Timeout).To(Equal(3*time.Second), "one that hangs leaves time for another")
	g.Expect(config).To(Equal(&rest.Config{Host: "https://127.0.0.1:1", UserAgent: "operator"}))
}

func TestTheAddressIsInTheName(t *testing.T) {
	g := NewWithT(t)
	for _, address := range []string{"10.1.2.3:9292", "[fd00::1]:9292"} {
		name, in := inIdentity(identity("pod-abc-1", "5f1c", netip.MustParseAddrPort(address)))
		g.Expect([]string{name, in}).To(Equal([]string{"5f1c", address}))
	}
	for _, other := range []string{"", "somebody", "host_uuid", "a_b_c_d", identity("pod", "5f1c", netip.AddrPort{})} {
		_, address := inIdentity(other)
		g.Expect(address).To(BeEmpty(), "an older version's, or nobody's: %s", other)
	}
}

// newLock is the lock of a replica in this cluster.
func newLock(t *testing.T, cluster *fake.Clientset, name, address string) *Lock {
	t.Helper()
	at := netip.MustParseAddrPort(address)
	replicas, err := newReplicas(name, at)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return &Lock{replicas: replicas, clock: clock.RealClock{}, deadline: time.Minute, LeaseLock: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: "system", Name: leaseName},
		Client:     &leases{LeasesGetter: cluster.CoordinationV1(), replicas: replicas},
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity("host", name, at)},
	}}
}

func (l *Lock) record() resourcelock.LeaderElectionRecord {
	return resourcelock.LeaderElectionRecord{HolderIdentity: l.Identity(), LeaseDurationSeconds: 15}
}

// look reads the lease, as a replica does that waits for it.
func (l *Lock) look(t *testing.T) {
	t.Helper()
	_, _, err := l.Get(t.Context())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

// TestWhoLeads: who has the lease, from when it is known to be taken up.
func TestWhoLeads(t *testing.T) {
	g := NewWithT(t)
	cluster := fake.NewClientset()
	own, other := newLock(t, cluster, "own", "10.0.0.1:9292"), newLock(t, cluster, "other", "10.0.0.2:9292")
	leads := func() string {
		address, _, ok := own.Leader()
		if !ok {
			return ""
		}
		return address.String()
	}
	g.Expect(leads()).To(BeEmpty(), "not known yet")
	g.Expect(own.Leading()).To(BeFalse())
	g.Expect(other.Create(t.Context(), other.record())).To(Succeed())
	own.look(t)
	g.Expect(leads()).To(Equal("10.0.0.2:9292"))
	g.Expect(own.Update(t.Context(), own.record())).To(Succeed())
	g.Expect(leads()).To(BeEmpty(), "it has the lease, and is about to lead")
	elected := make(chan struct{})
	own.Record(nil, elected)
	g.Expect(own.Leading()).To(BeFalse())
	close(elected)
	g.Expect(own.Leading()).To(BeTrue())
	g.Expect(own.Update(t.Context(), resourcelock.LeaderElectionRecord{})).To(Succeed())
	g.Expect(leads()).To(BeEmpty(), "nobody leads")
}

// TestReplicasShareKeys: each two one of their own, which who reads the lease does not know; also after another has taken over, and
// after more have come and gone than are kept.
func TestReplicasShareKeys(t *testing.T) {
	g := NewWithT(t)
	cluster := fake.NewClientset()
	leader := newLock(t, cluster, "a", "10.0.0.1:9292")
	g.Expect(leader.Create(t.Context(), leader.record())).To(Succeed())
	b, c := newLock(t, cluster, "b", "10.0.0.2:9292"), newLock(t, cluster, "c", "10.0.0.3:9292")
	_, known := leader.Key("b")
	g.Expect(known).To(BeFalse(), "it has not joined")
	for range 2 {
		for _, l := range []*Lock{b, c, leader} {
			l.look(t)
		}
	}
	shared := func(one, another *Lock) string {
		key, ok := one.Key(another.Name())
		g.Expect(ok).To(BeTrue(), "%s of %s", one.Name(), another.Name())
		same, _ := another.Key(one.Name())
		g.Expect(same).To(Equal(key))
		return string(key)
	}
	keys := map[string]bool{shared(leader, b): true, shared(leader, c): true, shared(b, c): true}
	g.Expect(keys).To(HaveLen(3))
	address, key, ok := b.Leader()
	g.Expect(ok).To(BeTrue())
	g.Expect(address.String()).To(Equal("10.0.0.1:9292"))
	g.Expect(string(key)).To(Equal(shared(leader, b)))
	_, known = b.Key("b")
	g.Expect(known).To(BeFalse(), "itself")

	g.Expect(c.Update(t.Context(), c.record())).To(Succeed())
	for n := range maxKeys + 5 {
		newLock(t, cluster, fmt.Sprint("gone-", n), "10.0.0.9:9292").look(t)
	}
	for range 2 {
		b.look(t)
		c.look(t)
	}
	_, key, ok = b.Leader()
	g.Expect(ok).To(BeTrue())
	g.Expect(string(key)).To(Equal(shared(b, c)))
	lease, err := cluster.CoordinationV1().Leases("system").Get(t.Context(), leaseName, metav1.GetOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(strings.Fields(lease.Annotations[annotationKeys]))).To(BeNumerically("<=", maxKeys+1))
	g.Expect(b.replicas.shared).To(HaveLen(1), "that with a replica that is gone is forgotten")
}

// TestALeaseLeadsNowhereElse: whatever somebody writes into it, requests go to an address as another pod has it, and the
// own port, or nowhere.
func TestALeaseLeadsNowhereElse(t *testing.T) {
	g := NewWithT(t)
	cluster := fake.NewClientset()
	own, other := newLock(t, cluster, "own", "10.0.0.1:9292"), newLock(t, cluster, "other", "10.0.0.2:9292")
	g.Expect(other.Create(t.Context(), other.record())).To(Succeed())
	own.look(t)
	client := cluster.CoordinationV1().Leases("system")
	write := func(holder, keys string) bool {
		lease, err := client.Get(context.Background(), leaseName, metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		lease.Spec.HolderIdentity = &holder
		if keys != "" {
			lease.Annotations[annotationKeys] = keys
		}
		_, err = client.Update(context.Background(), lease, metav1.UpdateOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		own.look(t)
		_, _, ok := own.Leader()
		return ok
	}
	for _, address := range []string{
		"10.0.0.2:80", "10.0.0.2", "evil.example:9292", "localhost:9292", "10.0.0.2:9292/path", "me@10.0.0.2:9292", "127.0.0.1:9292", "0.0.0.0:9292",
		"169.254.169.254:9292", "[::1]:9292", "[fe80::1]:9292", "[fe80::1%25eth0]:9292", "[::ffff:169.254.169.254]:9292", "224.0.0.1:9292",
		"10.0.0.1:9292", "[::ffff:10.0.0.1]:9292", "255.255.255.255:9292", "0xa000002:9292", "167772162:9292", "", " 10.0.0.2:9292",
	} {
		g.Expect(write("host_other_"+address, "")).To(BeFalse(), address)
	}
	g.Expect(write("host_other_10.0.0.2:9292", "")).To(BeTrue())
	g.Expect(write("host_stranger_10.0.0.2:9292", "")).To(BeFalse(), "whose key is not there")
	for _, key := range []string{"", "AAAA", "!", strings.Repeat("A", 43)} {
		g.Expect(write("host_other_10.0.0.2:9292", "other:"+key)).To(BeFalse(), "no key: %q", key)
	}
}

// TestALostLeaseIsNotGivenBack: a replica that stops gives its lease back at once. One that could not renew it in time does not, since it
// may still write; it runs out.
func TestALostLeaseIsNotGivenBack(t *testing.T) {
	g := NewWithT(t)
	cluster := fake.NewClientset()
	now := clocktesting.NewFakePassiveClock(time.Now())
	own := newLock(t, cluster, "own", "10.0.0.1:9292")
	own.clock, own.deadline = now, 6*time.Second
	holder := func() string {
		record, _, err := own.Get(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		return record.HolderIdentity
	}
	after := func(d time.Duration, record resourcelock.LeaderElectionRecord) error {
		now.SetTime(now.Now().Add(d))
		return own.Update(t.Context(), record)
	}
	given := resourcelock.LeaderElectionRecord{LeaseDurationSeconds: 1}
	g.Expect(own.Create(t.Context(), own.record())).To(Succeed())
	g.Expect(after(6*time.Second, given)).To(MatchError(errNotRenewed))
	g.Expect(holder()).To(Equal(own.Identity()))
	g.Expect(after(0, own.record())).To(Succeed())
	g.Expect(after(5*time.Second, own.record())).To(Succeed(), "renewed")
	g.Expect(after(5*time.Second, given)).To(Succeed(), "a replica that stops")
	g.Expect(holder()).To(BeEmpty())

	cluster.PrependReactor("update", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		now.SetTime(now.Now().Add(3 * time.Second))
		return false, nil, nil
	})
	g.Expect(after(0, own.record())).To(Succeed(), "which takes 3 s")
	g.Expect(after(4*time.Second, given)).To(MatchError(errNotRenewed), "others count from when it was sent, or later")
}
