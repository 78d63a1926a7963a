// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"time"
)

const (
	forwardTimeout = 3 * time.Second
	// maxForwards bounds the requests that are being forwarded at once. They share fewer connections, since the leader bounds
	// those of one address.
	maxForwards           = 64
	maxForwardConnections = 16
)

var errOtherCertificate = errors.New("the leader does not have this replica's certificate")

// forwarder forwards deliveries to the leader.
type forwarder struct {
	client *http.Client
	scheme string
	slots  chan struct{}
}

func newForwarder(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), connections int) *forwarder {
	f := &forwarder{scheme: "http", slots: make(chan struct{}, maxForwards)}
	transport := &http.Transport{ // without a proxy: the other replica is beside this one
		MaxConnsPerHost:     max(1, min(maxForwardConnections, connections/2)),
		MaxIdleConnsPerHost: 4, IdleConnTimeout: idleTimeout / 2, MaxResponseHeaderBytes: maxHeaderBytes,
	}
	if certificate != nil {
		f.scheme = "https"
		transport.TLSClientConfig = pinned(certificate)
	}
	f.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return f
}

// pinned accepts only the certificate that this replica itself serves: all replicas mount the same one, and no name in
// it matches the address of a pod.
func pinned(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it.
		VerifyConnection: func(state tls.ConnectionState) error {
			own, err := certificate(nil)
			if err != nil {
				return err
			}
			if own == nil || len(own.Certificate) == 0 || len(state.PeerCertificates) == 0 ||
				!bytes.Equal(own.Certificate[0], state.PeerCertificates[0].Raw) {
				return errOtherCertificate
			}
			return nil
		},
	}
}

// send forwards a request to the leader, and returns its answer. from and key are the name and the key by which the leader knows this
// replica.
func (f *forwarder) send(r *http.Request, body []byte, leader netip.AddrPort, from string, key []byte) result {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	default:
		return unavailable
	}
	ctx, cancel := context.WithTimeout(r.Context(), forwardTimeout)
	defer cancel()
	path, signatures := r.URL.EscapedPath(), r.Header.Values(headerSignature)
	//nolint:gosec // The host is the leader's: an address, and the port that this replica listens on.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.scheme+"://"+leader.String()+path, bytes.NewReader(body))
	if err != nil {
		return unavailable
	}
	sealed := newSeal(key, from, time.Now(), path, signatures, body)
	request.Header[headerSignature] = signatures
	request.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	request.Header.Set(headerForwarded, sealed.header())
	// net/http may send it again if the leader has just closed the idle connection: the leader ignores an event that it knows.
	request.Header["Idempotency-Key"] = nil
	response, err := f.client.Do(request) //nolint:gosec // As above.
	if err != nil {
		return unavailable
	}
	defer func() { _ = response.Body.Close() }() // its text follows from the status
	if !hmac.Equal([]byte(response.Header.Get(headerForwarded)), []byte(sealed.answer(response.StatusCode))) {
		return unavailable // somebody else has the address of an earlier leader, or the leader does not know this replica yet
	}
	switch response.StatusCode {
	case http.StatusAccepted:
		return forwardedAccepted
	case http.StatusUnauthorized:
		return forwardedUnauthorized
	case http.StatusRequestEntityTooLarge:
		return forwardedTooLarge
	default:
		return forwardedUnavailable
	}
}
