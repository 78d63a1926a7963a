// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"net/http"
	"net/url"
	"time"
)

// NewTransport makes a transport for requests to another server than the API, at u, under the same rules: every address
// is checked against hosts as it is about to be connected to, and besides the system's certificate authorities those in
// ca (PEM, may be nil) are trusted. timeout bounds connecting, and the wait for the head of an answer. The error is a
// *ConfigError.
func NewTransport(u *url.URL, hosts Hosts, ca []byte, timeout time.Duration) (*http.Transport, error) {
	t := targetOf(u)
	if err := hosts.check(t, t.addr); err != nil {
		return nil, err
	}
	transport, err := newTransport(u, &Config{Hosts: hosts, CA: ca, Timeout: timeout})
	if err != nil {
		return nil, err
	}
	transport.MaxConnsPerHost = maxRequests // what uses it has no bound of its own, as a Client has
	return transport, nil
}
