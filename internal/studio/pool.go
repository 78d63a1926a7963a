// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Pool lets clients of one server share connections, so that few polls have to open one: a server closes idle connections
// sooner than a source is polled again. That is safe: a connection does not say who asks, the key of each request does. And over
// HTTP/1.1, each request under way has a connection of its own, so that none waits for another. All clients of a pool have the same Hosts.
// What is made of certificate authorities is shared by all that have the same, whatever server they connect to.
type Pool struct {
	authorities authorities

	mu     sync.Mutex
	shared map[poolKey]*shared
}

// poolKey is what clients have to have in common to share a transport.
type poolKey struct {
	scheme, host string
	roots        *x509.CertPool // one for each content of Config.CA
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
	roots, err := p.authorities.with(cfg.CA)
	if err != nil {
		return nil, nil, err
	}
	key := poolKey{base.Scheme, base.Host, roots, cfg.Timeout}
	p.mu.Lock()
	defer p.mu.Unlock()
	used := p.shared[key]
	if used == nil {
		used = &shared{transport: newTransport(base, cfg, roots)}
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
