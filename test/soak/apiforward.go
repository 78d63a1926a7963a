// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// forward carries a request out and passes the answer on, or loses it.
func (p *apiProxy) forward(w http.ResponseWriter, r *http.Request, body []byte, fault apiFault, run string) {
	ctx := r.Context()
	if mutates(r.Method) {
		// What has reached the API server is carried out, also where the operator is gone meanwhile.
		ctx = context.WithoutCancel(ctx)
	}
	answer, err := p.ask(ctx, r, body)
	if err != nil {
		reset(w)
		return
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end, or broken
	said, err := io.ReadAll(answer.Body)
	if kindOf(r) == leasing && mutates(r.Method) && answer.StatusCode < http.StatusMultipleChoices {
		p.ledger.leased(run, holderIn(body))
	}
	if err != nil || fault.lose {
		reset(w)
		return
	}
	copyHeader(w, answer)
	_, _ = w.Write(said) // an error means that the operator is gone
}

// watch passes on what comes, at once, until the fault or a partition cuts it off.
func (p *apiProxy) watch(w http.ResponseWriter, r *http.Request, fault apiFault, changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if fault.cutAfter > 0 {
		timer := time.AfterFunc(fault.cutAfter, cancel)
		defer timer.Stop()
	}
	go func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	answer, err := p.ask(ctx, r, nil)
	if err != nil {
		reset(w)
		return
	}
	defer answer.Body.Close() //nolint:errcheck // it ends by being cut off
	copyHeader(w, answer)
	flusher := http.NewResponseController(w)
	buffer := make([]byte, 64<<10)
	for flusher.Flush() == nil {
		n, err := answer.Body.Read(buffer)
		if _, failed := w.Write(buffer[:n]); err != nil || failed != nil {
			break
		}
	}
	if ctx.Err() != nil {
		reset(w)
	}
}

func (p *apiProxy) ask(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	out := r.Clone(ctx)
	out.URL.Scheme, out.URL.Host, out.Host = p.target.Scheme, p.target.Host, p.target.Host
	out.RequestURI = ""
	out.Header.Del("Connection")
	out.Body, out.ContentLength = http.NoBody, 0
	if len(body) > 0 {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return p.transport.RoundTrip(out)
}

func copyHeader(w http.ResponseWriter, answer *http.Response) {
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
}

// refuse answers as the API server does.
func refuse(w http.ResponseWriter, fault apiFault) {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: int32(fault.status), //nolint:gosec // an HTTP status
		Reason: metav1.StatusReason(fault.reason), Message: "a fault that the soak injected",
	}
	body, err := json.Marshal(status)
	if err != nil { // cannot be
		body = nil
	}
	w.Header().Set("Content-Type", "application/json")
	if fault.retryAfter != "" {
		w.Header().Set("Retry-After", fault.retryAfter)
	}
	w.WriteHeader(fault.status)
	_, _ = w.Write(body) // an error means that the operator is gone
}

// reset ends the connection the hard way.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the nearest there is
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the client sees an orderly end
	}
	_ = conn.Close()
}
