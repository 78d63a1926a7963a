// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Pool lets clients of one server share connections, so that few polls have to open one: a server closes idle connections
// sooner than a source is polled again. That is safe: a connection does not say who asks, the key of each request does. And over
// HTTP/1.1, each request under way has a connection of its own, so that none waits for another. All clients of a pool have the same Hosts.
type Pool struct {
	mu     sync.Mutex
	shared map[poolKey]*shared
}

// poolKey is what clients have to have in common to share a transport.
type poolKey struct {
	scheme, host string
	ca           [sha256.Size]byte
	timeout      time.Duration
}

// shared is a transport, and how many clients use it.
type shared struct {
	transport *http.Transport
	clients   int
}

// NewPool returns a pool without connections.
func NewPool() *Pool { return &Pool{shared: map[poolKey]*shared{}} }

// transport returns a transport for the host of base; release ends its use. Idle connections are closed with the last client. The
// error is a *ConfigError.
func (p *Pool) transport(base *url.URL, cfg *Config) (transport *http.Transport, release func(), err error) {
	key := poolKey{base.Scheme, base.Host, sha256.Sum256(cfg.CA), cfg.Timeout}
	p.mu.Lock()
	defer p.mu.Unlock()
	used := p.shared[key]
	if used == nil {
		if transport, err = newTransport(base, cfg); err != nil {
			return nil, nil, err
		}
		used = &shared{transport: transport}
		p.shared[key] = used
	}
	used.clients++
	return used.transport, sync.OnceFunc(func() { p.release(key, used) }), nil
}

func (p *Pool) release(key poolKey, used *shared) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if used.clients--; used.clients == 0 {
		delete(p.shared, key)
		used.transport.CloseIdleConnections()
	}
}
