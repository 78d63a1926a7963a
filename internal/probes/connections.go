// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"container/list"
	"net"
	"sync"
)

// maxConnections bounds the open connections. A kubelet has one or two, and each for a moment.
const maxConnections = 128

// connections is a listener that closes the oldest of too many connections, so that those which say nothing do not keep a probe out.
type connections struct {
	net.Listener

	mu   sync.Mutex
	open list.List // of *connection, the oldest first
}

type connection struct {
	net.Conn
	gone func()
}

func newConnections(listener net.Listener) *connections { return &connections{Listener: listener} }

// Accept returns the next connection.
func (c *connections) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open.Len() >= maxConnections {
		if oldest, ok := c.open.Remove(c.open.Front()).(*connection); ok {
			_ = oldest.Conn.Close()
		}
	}
	accepted := &connection{Conn: conn}
	element := c.open.PushBack(accepted)
	accepted.gone = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.open.Remove(element) // does nothing where it was removed before
	}
	return accepted, nil
}

// Close closes the connection.
func (c *connection) Close() error {
	c.gone()
	return c.Conn.Close()
}
