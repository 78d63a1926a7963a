// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	connectTimeout = 10 * time.Second
	// idleTimeout is just below the server's keep-alive of 5 s, so that no request meets a connection being closed.
	idleTimeout = 4 * time.Second
	// maxRequests has room for 8 questions about single tasks and a listing at the same time: a poll must not wait for questions. Over
	// HTTP/1.1, each takes a connection.
	maxRequests = 10
	// maxIdle is how many idle connections to one server are kept, for all sources.
	maxIdle = 100
	// After pingAfter without data over HTTP/2, a ping is sent, which has to be answered within pingTimeout.
	pingAfter = 2 * time.Second
	// ahead bounds what is received of one answer over HTTP/2 before it is read, as while earlier tasks are being written. Go's default
	// is 4 MiB for each; over HTTP/1.1 the kernel decides.
	ahead        = 256 << 10
	pingTimeout  = 3 * time.Second
	maxRedirects = 3
	// maxHeaderBytes bounds the header of an answer, as Node.js does. It is kept while the body is read, and as many short fields as fit
	// into a megabyte take 16 MB.
	maxHeaderBytes = 16 << 10
)

// newTransport makes a transport for requests to the host of base. It trusts the certificate authorities in roots; nil: the system's.
func newTransport(base *url.URL, cfg *Config, roots *x509.CertPool) *http.Transport {
	connect := min(cfg.Timeout, connectTimeout)
	return &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: newDialer(base, cfg.Hosts, connect).DialContext,
		TLSClientConfig: &tls.Config{
			RootCAs: roots, MinVersion: tls.VersionTLS12,
			// Later connections resume the session of an earlier one: no certificates are sent and checked again.
			ClientSessionCache: &lastSession{},
		},
		TLSHandshakeTimeout:    connect,
		ResponseHeaderTimeout:  cfg.Timeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    maxIdle,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// Otherwise, a custom TLSClientConfig turns HTTP/2 off.
		ForceAttemptHTTP2: true,
		// A dead connection is soon detected and closed.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, MaxReceiveBufferPerStream: ahead},
		OnProxyConnectResponse: proxyAnswer,
	}
}

// proxyError is a proxy's refusal to connect to the API.
type proxyError struct{ status int }

func (e *proxyError) Error() string { return fmt.Sprintf("the proxy answers %d", e.status) }

func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return &proxyError{answer.StatusCode}
	}
	return nil
}

// CheckProxy returns an error if the environment names an invalid proxy: Go would misread it, or use none.
// The error does not quote it, since it may hold a credential.
func CheckProxy() error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		proxy := os.Getenv(name)
		if proxy != "" && !strings.Contains(proxy, "://") {
			proxy = "http://" + proxy
		}
		u, err := url.Parse(proxy)
		if proxy != "" && (err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme)) {
			return fmt.Errorf("%s is not the URL of a proxy, such as http://proxy.example:3128", name)
		}
	}
	return nil
}

// redirectError is a redirect that is not followed.
type redirectError struct{ to string }

func (e *redirectError) Error() string { return "redirect to " + e.to }

var errRedirects = errors.New("the API redirects too often")

// checkRedirect follows redirects within one scheme and host only: the key must not travel.
func checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[0].URL
	if req.URL.Scheme != from.Scheme || !strings.EqualFold(req.URL.Host, from.Host) {
		to := url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host}
		return &redirectError{to: to.String()}
	}
	if len(via) > maxRedirects {
		return errRedirects
	}
	return nil
}
