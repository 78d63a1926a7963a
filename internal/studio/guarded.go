// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"net/http"
	"net/url"
	"time"
)

// NewTransport makes a transport for requests to another server than the API, at u, under the same rules: every address
// is checked against hosts right before connecting, and the certificate authorities in ca (PEM, may be nil) are trusted
// besides the system's. timeout bounds connecting, and the wait for the header of an answer. Its connections are its user's own. The
// error is a *ConfigError.
func (p *Pool) NewTransport(u *url.URL, hosts Hosts, ca []byte, timeout time.Duration) (*http.Transport, error) {
	t := targetOf(u)
	if err := hosts.check(t, t.addr); err != nil {
		return nil, err
	}
	roots, err := p.authorities.with(ca)
	if err != nil {
		return nil, err
	}
	transport := newTransport(u, &Config{Hosts: hosts, Timeout: timeout}, roots)
	transport.MaxConnsPerHost = maxRequests // unlike a Client, its user has no bound of its own
	return transport, nil
}
