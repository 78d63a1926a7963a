// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
)

const (
	// maxConnections bounds the open connections, and with that what slow senders cost.
	maxConnections = 512
	// DefaultConnections bounds those of one address.
	DefaultConnections = 32
)

// connections is a listener that always has room for one more connection: where there are too many, of one address or in
// all, it closes one that is silent, which is one without a request that has arrived whole. So who connects and says
// nothing, or not all, takes no place from who has something to say.
type connections struct {
	net.Listener
	total, each int // the bounds

	mu    sync.Mutex
	order uint64
	open  map[*connection]struct{}
	of    map[netip.Prefix]int
}

// connection is one that was accepted.
type connection struct {
	net.Conn
	all    *connections
	sender netip.Prefix

	// The lock of all guards these.
	since   uint64 // when it fell silent: its place in the order of such moments
	busy    bool   // a request has arrived and is not answered yet
	evicted bool
}

func newConnections(listener net.Listener, each int) *connections {
	if each == 0 {
		each = DefaultConnections
	}
	return &connections{
		Listener: listener, total: maxConnections, each: min(each, maxConnections),
		open: map[*connection]struct{}{}, of: map[netip.Prefix]int{},
	}
}

// Accept returns the next connection that there is room for.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		admitted := &connection{Conn: conn, all: c, sender: senderOf(conn.RemoteAddr().String())}
		victim, ok := c.admit(admitted)
		if victim != nil {
			_ = victim.Conn.Close() // the other end has said nothing
		}
		if ok {
			return admitted, nil
		}
		_ = conn.Close() // all others are at work
	}
}

// admit lets a connection in, in place of the victim where there are too many. It does not where nobody can make room.
func (c *connections) admit(conn *connection) (victim *connection, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[conn.sender] >= c.each || len(c.open) >= c.total {
		if victim = c.victim(conn.sender); victim == nil {
			return nil, false
		}
		victim.evicted = true
		c.remove(victim)
	}
	c.order++
	conn.since = c.order
	c.open[conn] = struct{}{}
	c.of[conn.sender]++
	return victim, true
}

// victim picks who has to go: of the sender's own connections where these are too many, else of the sender with the most,
// the one that has been silent for longest. The caller holds the lock.
func (c *connections) victim(sender netip.Prefix) *connection {
	var worst *connection
	own := c.of[sender] >= c.each
	for conn := range c.open {
		if conn.busy || own && conn.sender != sender {
			continue
		}
		if worst == nil || c.of[conn.sender] > c.of[worst.sender] ||
			c.of[conn.sender] == c.of[worst.sender] && conn.since < worst.since {
			worst = conn
		}
	}
	return worst
}

// remove takes a connection off the books. The caller holds the lock.
func (c *connections) remove(conn *connection) {
	if _, known := c.open[conn]; !known {
		return
	}
	delete(c.open, conn)
	if c.of[conn.sender]--; c.of[conn.sender] == 0 {
		delete(c.of, conn.sender)
	}
}

// Close closes the connection.
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.all.remove(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// work says that a request has arrived whole: the connection stays open until rest is called. It reports false where the
// connection had to make room meanwhile.
func (c *connection) work() bool {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.busy = !c.evicted
	return c.busy
}

// rest says that the request is answered.
func (c *connection) rest() {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.all.order++
	c.busy, c.since = false, c.all.order
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
	return &connection{all: &connections{}} // of nobody's: a request that came some other way
}
