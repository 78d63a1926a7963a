// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Pool lets clients that ask the same server share connections, so that few polls have to open one: a server closes those that idle
// sooner than a source is polled again. A connection does not say who asks, the key of each request does; and as each request under way
// over HTTP/1.1 has a connection of its own, nobody waits for another's. All clients of a pool have the same Hosts.
type Pool struct {
	mu     sync.Mutex
	shared map[poolKey]*shared
}

// poolKey is what a transport is made for.
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

// transport returns what connects to the host of base, and what ends its use: idle connections are closed with the last client. The
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
