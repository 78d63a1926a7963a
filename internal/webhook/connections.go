// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
)

const (
	// maxConnections bounds the open connections, and so the cost of slow senders.
	maxConnections = 512
	// DefaultConnections bounds those of one address.
	DefaultConnections = 32
)

// connections is a listener that makes room for new connections: if there are too many, of one address or in all, it closes a silent
// one. A connection is silent while it has no complete request. So connections that send nothing, or not all of a request, take
// no place from others.
type connections struct {
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
	silent *list.List // of *connection, the one that has been silent for longest first
}

// connection is one that was accepted.
type connection struct {
	net.Conn
	all *connections

	// The lock of all guards these.
	of     *sender       // nil once it is closed
	silent *list.Element // nil while a complete request is not answered yet
	since  uint64        // when it fell silent, by connections.order
}

func newConnections(listener net.Listener, each int) *connections {
	return &connections{
		Listener: listener, total: maxConnections, each: min(each, maxConnections), senders: map[netip.Prefix]*sender{},
	}
}

// Accept returns the next connection that there is room for.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		admitted, victim := c.admit(conn, senderOf(conn.RemoteAddr().String()))
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
func (c *connections) admit(conn net.Conn, prefix netip.Prefix) (admitted, victim *connection) {
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
	admitted = &connection{Conn: conn, all: c, of: from}
	from.open++
	c.open++
	c.silence(admitted)
	return admitted, victim
}

// ofWhoHasMost picks the victim if there are too many in all: of the sender with the most connections. The caller holds the lock.
func (c *connections) ofWhoHasMost() *connection {
	var worst *connection
	for _, from := range c.senders {
		conn := from.silentLongest()
		if conn != nil && (worst == nil || from.open > worst.of.open || from.open == worst.of.open && conn.since < worst.since) {
			worst = conn
		}
	}
	return worst
}

func (s *sender) silentLongest() *connection {
	if first := s.silent.Front(); first != nil {
		return first.Value.(*connection) //nolint:errcheck,forcetypeassert // Only these are put in.
	}
	return nil
}

// silence notes that a connection is silent from now on. The caller holds the lock.
func (c *connections) silence(conn *connection) {
	c.order++
	conn.since, conn.silent = c.order, conn.of.silent.PushBack(conn)
}

// remove forgets a connection. The caller holds the lock.
func (c *connections) remove(conn *connection) {
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
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.all.remove(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// work notes that a request has arrived completely: the connection stays open until rest is called. It reports false if the
// connection has been closed to make room meanwhile.
func (c *connection) work() bool {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.of != nil && c.silent != nil {
		c.of.silent.Remove(c.silent)
		c.silent = nil
	}
	return c.of != nil
}

// rest notes that the request is answered.
func (c *connection) rest() {
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

type connectionKey struct{}

// withConnection puts the connection of a request into its context.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if wrapped, ok := conn.(*tls.Conn); ok {
		conn = wrapped.NetConn()
	}
	if own, ok := conn.(*connection); ok {
		return context.WithValue(ctx, connectionKey{}, own)
	}
	return ctx
}

// connectionOf returns the connection of a request.
func connectionOf(ctx context.Context) *connection {
	if conn, ok := ctx.Value(connectionKey{}).(*connection); ok {
		return conn
	}
	return nil // as in tests of the handler alone
}
