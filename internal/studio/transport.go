// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	connectTimeout = 10 * time.Second
	// idleTimeout is just below the server's keep-alive of 5 s, so that no request meets a connection being closed.
	idleTimeout    = 4 * time.Second
	maxConns       = 4
	maxRedirects   = 3
	maxHeaderBytes = 1 << 20
)

// newTransport makes a transport for requests to the host of base. It trusts the system's certificate authorities and
// those in cfg.CA. The error is a *ConfigError.
func newTransport(base *url.URL, cfg *Config) (*http.Transport, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if len(cfg.CA) > 0 && !roots.AppendCertsFromPEM(cfg.CA) {
		return nil, &ConfigError{Field: "ca.crt",
			Message: "There is no certificate in ca.crt of the Secret. Put one there in PEM (BEGIN CERTIFICATE), or remove ca.crt."}
	}
	connect := min(cfg.Timeout, connectTimeout)
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           newDialer(base, cfg.Hosts, connect).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   connect,
		ResponseHeaderTimeout: cfg.Timeout,
		IdleConnTimeout:       idleTimeout,
		MaxConnsPerHost:       maxConns,
		// More than any server needs; the default is 10 MiB.
		MaxResponseHeaderBytes: maxHeaderBytes,
		// A TLS configuration of one's own turns HTTP/2 off otherwise.
		ForceAttemptHTTP2: true,
	}, nil
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
