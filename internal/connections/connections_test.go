// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestOneAddressHasItsShare: and not a connection more, however silent the others are.
func TestOneAddressHasItsShare(t *testing.T) {
	g := NewWithT(t)
	c := Bound(nil, 512, 3)
	open := func(n int) (*Connection, *Connection) {
		return c.admit(&net.TCPConn{}, Sender(fmt.Sprintf("192.0.2.%d:1", n)))
	}
	var first []*Connection
	for range 3 {
		conn, victim := open(1)
		g.Expect(conn).NotTo(BeNil())
		g.Expect(victim).To(BeNil())
		first = append(first, conn)
	}
	g.Expect(first[0].Work()).To(BeTrue())
	fourth, victim := open(1)
	g.Expect(fourth).NotTo(BeNil())
	g.Expect(victim).To(BeIdenticalTo(first[1]), "the first is at work")
	g.Expect(victim.Work()).To(BeFalse(), "it is closed")
	first[0].Rest()
	fifth, victim := open(1)
	g.Expect(victim).To(BeIdenticalTo(first[2]), "the first has just spoken")

	for _, conn := range []*Connection{first[0], fourth, fifth} {
		g.Expect(conn.Work()).To(BeTrue())
	}
	sixth, victim := open(1)
	g.Expect(sixth).To(BeNil())
	g.Expect(victim).To(BeNil(), "all are at work")
	other, _ := open(2)
	g.Expect(other).NotTo(BeNil(), "others are not concerned")
	for _, conn := range []*Connection{first[0], first[0], first[1], fourth, fifth, other} {
		_ = conn.Close()
	}
	g.Expect(c.open).To(BeZero())
	g.Expect(c.senders).To(BeEmpty())
}

// TestWhoHasTheMostMakesRoom where all together are too many.
func TestWhoHasTheMostMakesRoom(t *testing.T) {
	g := NewWithT(t)
	c := Bound(nil, 5, 3)
	conns := map[*Connection]int{}
	open := func(host int) (from int) {
		conn, victim := c.admit(&net.TCPConn{}, Sender(fmt.Sprintf("192.0.2.%d:1", host)))
		g.Expect(conn).NotTo(BeNil())
		conns[conn] = host
		return conns[victim]
	}
	for _, host := range []int{1, 2, 3, 2, 2} {
		g.Expect(open(host)).To(BeZero())
	}
	g.Expect([]int{open(4), open(5)}).To(Equal([]int{2, 2}))
	g.Expect(open(6)).To(Equal(1), "all have one: the oldest")
	g.Expect(c.open).To(Equal(5))
}

// TestTheOldestMakesRoom: of too many connections, the oldest of the address that has most is closed.
func TestTheOldestMakesRoom(t *testing.T) {
	const maxConnections = 64
	g := NewWithT(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	c := Bound(listener, maxConnections, maxConnections)
	defer c.Close()
	open := func(host byte) (client, accepted net.Conn) {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 3, 0, host)}}
		client, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
		g.Expect(err).NotTo(HaveOccurred())
		t.Cleanup(func() { _ = client.Close() })
		accepted, err = c.Accept()
		g.Expect(err).NotTo(HaveOccurred())
		return client, accepted
	}
	few, _ := open(1)
	first, _ := open(2)
	for range maxConnections - 2 {
		open(2)
	}
	open(3)
	_, err = first.Read(make([]byte, 1))
	g.Expect(err).To(MatchError(io.EOF))
	g.Expect(few.SetReadDeadline(time.Now())).To(Succeed())
	_, err = few.Read(make([]byte, 1))
	g.Expect(err).To(MatchError(os.ErrDeadlineExceeded), "it is open")
	g.Expect(c.open).To(Equal(maxConnections))
	for c.open > 0 {
		g.Expect(c.ofWhoHasMost().Close()).To(Succeed())
	}
	g.Expect(c.senders).To(BeEmpty())
}

func TestSendersAreToldApart(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Sender("192.0.2.1:1")).To(Equal(Sender("192.0.2.1:2")))
	g.Expect(Sender("192.0.2.1:1")).NotTo(Equal(Sender("192.0.2.2:1")))
	g.Expect(Sender("[::ffff:192.0.2.1]:1")).To(Equal(Sender("192.0.2.1:1")))
	g.Expect(Sender("[2001:db8::1]:1")).To(Equal(Sender("[2001:db8::ffff:2]:1")), "of one subnet")
	g.Expect(Sender("[2001:db8::1]:1")).NotTo(Equal(Sender("[2001:db8:1::1]:1")))
	g.Expect(Sender("nonsense").IsValid()).To(BeFalse())
}
