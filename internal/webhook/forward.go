// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"
)

const (
	// headerForwarded marks what one replica hands to another, which does not hand it on, and its answer.
	headerForwarded = "Livepeer-Task-Operator-Forwarded"
	forwardTimeout  = 3 * time.Second
	// maxForwards bounds the requests that are being handed on at once.
	maxForwards = 64
)

var errOtherCertificate = errors.New("the leader does not have this replica's certificate")

// forwarder hands deliveries to the replica that leads.
type forwarder struct {
	client *http.Client
	scheme string
	slots  chan struct{}
}

func newForwarder(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *forwarder {
	f := &forwarder{scheme: "http", slots: make(chan struct{}, maxForwards)}
	transport := &http.Transport{ // without a proxy: the other replica is beside this one
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

// pinned accepts the certificate that this replica serves with, and no other: all replicas mount the same, and no name in
// it would fit the address of a pod.
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

// send hands a request to the leader and returns its answer.
func (f *forwarder) send(r *http.Request, body []byte, leader string) result {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	default:
		return unavailable
	}
	ctx, cancel := context.WithTimeout(r.Context(), forwardTimeout)
	defer cancel()
	target := f.scheme + "://" + leader + r.URL.EscapedPath()
	//nolint:gosec // The host is the leader's, from the lease.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return unavailable
	}
	request.Header[headerSignature] = r.Header.Values(headerSignature)
	request.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	request.Header.Set(headerForwarded, "1")
	response, err := f.client.Do(request) //nolint:gosec // As above.
	if err != nil {
		return unavailable
	}
	defer func() { _ = response.Body.Close() }() // its text is known
	if response.Header.Get(headerForwarded) == "" {
		return unavailable // somebody else has the address of an earlier leader
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
