// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"container/list"
	"net"
	"sync"
)

// maxConnections bounds the open connections. Kubelets and those who read metrics have a few, and each for a moment.
const maxConnections = 64

// connections is a listener that closes the oldest connection of the address that has most, where there are too many: those which say
// nothing keep nobody out.
type connections struct {
	net.Listener

	mu   sync.Mutex
	open list.List // of *connection, the oldest first
	from map[string]int
}

type connection struct {
	net.Conn

	all  *connections
	host string
	at   *list.Element // nil once it is closed
}

func newConnections(listener net.Listener) *connections {
	return &connections{Listener: listener, from: map[string]int{}}
}

// Accept returns the next connection.
func (c *connections) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open.Len() >= maxConnections {
		victim := c.victim()
		c.remove(victim)
		_ = victim.Conn.Close()
	}
	accepted := &connection{Conn: conn, all: c, host: host}
	accepted.at = c.open.PushBack(accepted)
	c.from[host]++
	return accepted, nil
}

// victim returns the oldest connection of the address that has most. The caller holds the lock.
func (c *connections) victim() (oldest *connection) {
	for at := c.open.Front(); at != nil; at = at.Next() {
		conn, ok := at.Value.(*connection)
		if ok && (oldest == nil || c.from[conn.host] > c.from[oldest.host]) {
			oldest = conn
		}
	}
	return oldest
}

// remove forgets a connection. The caller holds the lock.
func (c *connections) remove(conn *connection) {
	if conn.at == nil {
		return
	}
	c.open.Remove(conn.at)
	conn.at = nil
	if c.from[conn.host]--; c.from[conn.host] == 0 {
		delete(c.from, conn.host)
	}
}

// Close closes the connection.
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.all.remove(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}
