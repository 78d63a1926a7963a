// SPDX-License-Identifier: Apache-2.0

package election

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func TestTheAddressIsInTheName(t *testing.T) {
	g := NewWithT(t)
	for _, address := range []string{"10.1.2.3:9292", "[fd00::1]:9292", ""} {
		g.Expect(addressIn(identity("pod-abc-1", "5f1c", address))).To(Equal(address))
	}
	for _, name := range []string{"", "somebody", "host_uuid", "a_b_c_d"} {
		g.Expect(addressIn(name)).To(BeEmpty(), "an older version's, or nobody's: %s", name)
	}
}

func TestWhoLeads(t *testing.T) {
	g := NewWithT(t)
	own, other := identity("a", "1", "10.0.0.1:1"), identity("b", "2", "10.0.0.2:2")
	l := &Lock{LeaseLock: &resourcelock.LeaseLock{LockConfig: resourcelock.ResourceLockConfig{Identity: own}}}
	g.Expect(l.Leader()).To(BeEmpty(), "not known yet")
	g.Expect(l.Leading()).To(BeFalse())
	l.holder.Store(&other)
	g.Expect(l.Leader()).To(Equal("10.0.0.2:2"))
	l.holder.Store(&own)
	g.Expect(l.Leader()).To(BeEmpty(), "it has the lease, and is about to lead")
	elected := make(chan struct{})
	l.Record(nil, elected)
	g.Expect(l.Leading()).To(BeFalse())
	close(elected)
	g.Expect(l.Leading()).To(BeTrue())
	given := ""
	l.holder.Store(&given)
	g.Expect(l.Leader()).To(BeEmpty(), "nobody leads")
}
