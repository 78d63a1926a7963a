// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// partition is what of the API server is out of reach.
type partition int

const (
	connected partition = iota
	withoutLeases
	isolated
)

// apiProxy stands between one replica and the API server. It passes on everything, the token too, and injects faults.
type apiProxy struct {
	name      string
	target    *url.URL
	transport *http.Transport
	server    *httptest.Server
	ledger    *ledger
	report    *report

	mu        sync.Mutex
	rand      *rand.Rand
	share     float64 // of the requests goes wrong
	partition partition
	changed   chan struct{} // closed when what is out of reach changes: no watch survives that
	run       string        // the process that connects from now on
}

func startAPIProxy(name string, api *rest.Config, seed uint64, ledger *ledger, report *report) (*apiProxy, error) {
	target, err := url.Parse(api.Host)
	if err != nil {
		return nil, err
	}
	trusted, err := rest.TLSConfigFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: api.CAData}})
	if err != nil {
		return nil, err
	}
	p := &apiProxy{
		name: name, target: target, ledger: ledger, report: report,
		// Answers go through as they are. HTTP/1.1, so that each request fails alone.
		transport: &http.Transport{TLSClientConfig: trusted, DisableCompression: true, MaxIdleConnsPerHost: 64},
		rand:      rand.New(rand.NewPCG(seed, uint64(len(name)))),
		changed:   make(chan struct{}),
	}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that are killed
	p.server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		p.mu.Lock()
		defer p.mu.Unlock()
		return context.WithValue(ctx, runKey{}, p.run)
	}
	p.server.StartTLS()
	return p, nil
}

// runKey leads from a connection to the process that made it.
type runKey struct{}

// config is api, by way of the proxy.
func (p *apiProxy) config(api *rest.Config) *rest.Config {
	config := rest.CopyConfig(api)
	config.Host = p.server.URL
	config.CAData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	return config
}

func (p *apiProxy) stop() {
	p.reach(isolated) // ends the watches
	p.server.CloseClientConnections()
	p.server.Close()
	p.transport.CloseIdleConnections()
}

// serve says which process connects from now on, and ends the connections of the one before.
func (p *apiProxy) serve(run string) {
	p.server.CloseClientConnections()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run = run
}

func (p *apiProxy) disturb(share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share = share
}

func (p *apiProxy) reach(what partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.partition == what {
		return
	}
	if p.partition == isolated || what == isolated {
		close(p.changed)
		p.changed = make(chan struct{})
	}
	p.partition = what
}

// choose says what goes wrong with a request.
func (p *apiProxy) choose(kind request, method string) (apiFault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.partition == isolated, p.partition == withoutLeases && kind == leasing:
		return apiFault{name: "partition", reset: true}, p.changed
	case p.rand.Float64() < p.share:
		return chooseAPIFault(p.rand, kind, method), p.changed
	}
	return apiFault{}, p.changed
}

func (p *apiProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the operator is gone
	}
	kind := kindOf(r)
	run, _ := r.Context().Value(runKey{}).(string)
	if kind == writing && ofTheMirror(r.URL.Path) {
		p.ledger.wrote(run, r.Method, r.URL.Path)
	}
	fault, changed := p.choose(kind, r.Method)
	if fault.name != "" {
		p.report.fault("API server", fault.name)
	}
	if !pause(r.Context(), fault.delay) {
		return
	}
	switch {
	case fault.reset:
		reset(w)
	case fault.status != 0:
		refuse(w, fault)
	case kind == watching:
		p.watch(w, r, fault, changed)
	default:
		p.forward(w, r, body, fault, run)
	}
}

// pause reports whether the time passed before the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *apiProxy) disturbed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.share > 0
}
