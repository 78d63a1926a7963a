// SPDX-License-Identifier: Apache-2.0

// Package connections bounds the open connections of a server (Bound), so that those who say nothing take no place from others. It must
// not know what is served.
package connections

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
)

// prefixIPv6 is the length, in bits, of the part of an IPv6 address that a sender can't choose.
const prefixIPv6 = 64

// Bounded is a listener that makes room for new connections: if there are too many, of one address or in all, it closes a silent one. A
// connection is silent while it has no complete request.
type Bounded struct {
	net.Listener
	total, each int // the bounds

	mu      sync.Mutex
	open    int
	order   uint64
	senders map[netip.Prefix]*sender
}

// sender is an address with open connections.
type sender struct {
	prefix netip.Prefix
	open   int
	silent *list.List // of *Connection, the one that has been silent for longest first
}

// Connection is one that was accepted.
type Connection struct {
	net.Conn
	all *Bounded

	// The lock of all guards these.
	of     *sender       // nil once it is closed
	silent *list.Element // nil while a complete request is not answered yet
	since  uint64        // when it fell silent, by Bounded.order
}

// Bound bounds the connections of a listener: total in all, and each of one address.
func Bound(listener net.Listener, total, each int) *Bounded {
	return &Bounded{Listener: listener, total: total, each: min(each, total), senders: map[netip.Prefix]*sender{}}
}

// Accept returns the next connection that there is room for.
func (c *Bounded) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		admitted, victim := c.admit(conn, Sender(conn.RemoteAddr().String()))
		if victim != nil {
			_ = victim.Conn.Close() // it has no complete request
		}
		if admitted != nil {
			return admitted, nil
		}
		_ = conn.Close() // all others have requests
	}
}

// admit admits a connection, in place of the victim if there are too many; not if there are too many and none is silent.
func (c *Bounded) admit(conn net.Conn, prefix netip.Prefix) (admitted, victim *Connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, known := c.senders[prefix]
	if known && from.open >= c.each {
		if victim = from.silentLongest(); victim == nil {
			return nil, nil
		}
	} else if c.open >= c.total {
		if victim = c.ofWhoHasMost(); victim == nil {
			return nil, nil
		}
	}
	if victim != nil {
		c.remove(victim)
	}
	if from, known = c.senders[prefix]; !known {
		from = &sender{prefix: prefix, silent: list.New()}
		c.senders[prefix] = from
	}
	admitted = &Connection{Conn: conn, all: c, of: from}
	from.open++
	c.open++
	c.silence(admitted)
	return admitted, victim
}

// ofWhoHasMost picks the victim if there are too many in all: of the sender with the most connections. The caller holds the lock.
func (c *Bounded) ofWhoHasMost() *Connection {
	var worst *Connection
	for _, from := range c.senders {
		conn := from.silentLongest()
		if conn != nil && (worst == nil || from.open > worst.of.open || from.open == worst.of.open && conn.since < worst.since) {
			worst = conn
		}
	}
	return worst
}

func (s *sender) silentLongest() *Connection {
	if first := s.silent.Front(); first != nil {
		return first.Value.(*Connection) //nolint:errcheck,forcetypeassert // Only these are put in.
	}
	return nil
}

// silence notes that a connection is silent from now on. The caller holds the lock.
func (c *Bounded) silence(conn *Connection) {
	c.order++
	conn.since, conn.silent = c.order, conn.of.silent.PushBack(conn)
}

// remove forgets a connection. The caller holds the lock.
func (c *Bounded) remove(conn *Connection) {
	if conn.of == nil {
		return
	}
	if conn.silent != nil {
		conn.of.silent.Remove(conn.silent)
	}
	if conn.of.open--; conn.of.open == 0 {
		delete(c.senders, conn.of.prefix)
	}
	c.open--
	conn.of, conn.silent = nil, nil
}

// Close closes the connection.
func (c *Connection) Close() error {
	c.all.mu.Lock()
	c.all.remove(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// Work notes that a request has arrived completely: the connection stays open until Rest is called. It reports false if the
// connection has been closed to make room meanwhile. Of a nil connection, which nobody bounds, it is true.
func (c *Connection) Work() bool {
	if c == nil {
		return true
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.of != nil && c.silent != nil {
		c.of.silent.Remove(c.silent)
		c.silent = nil
	}
	return c.of != nil
}

// Rest notes that the request is answered.
func (c *Connection) Rest() {
	if c == nil {
		return
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.of != nil && c.silent == nil {
		c.all.silence(c)
	} else if c.of != nil {
		c.of.silent.MoveToBack(c.silent)
		c.all.order++
		c.since = c.all.order
	}
}

type contextKey struct{}

// Context puts the connection of a request into its context, as http.Server.ConnContext.
func Context(ctx context.Context, conn net.Conn) context.Context {
	if wrapped, ok := conn.(*tls.Conn); ok {
		conn = wrapped.NetConn()
	}
	if own, ok := conn.(*Connection); ok {
		return context.WithValue(ctx, contextKey{}, own)
	}
	return ctx
}

// Of returns the connection of a request, nil if nobody bounds it.
func Of(ctx context.Context) *Connection {
	if conn, ok := ctx.Value(contextKey{}).(*Connection); ok {
		return conn
	}
	return nil
}

// Sender tells senders apart by the address that a connection comes from. What headers claim is not believed.
func Sender(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr := at.Addr().Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = prefixIPv6
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
