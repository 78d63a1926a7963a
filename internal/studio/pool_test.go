// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// connections counts those that are opened to a server, and those of them that go on where an earlier one was.
type connections struct {
	*httptest.Server
	opened, resumed atomic.Int64
	asked           atomic.Value // string: who asked last
}

func newConnections(t *testing.T) *connections {
	c := &connections{}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Store(r.Header.Get("Authorization"))
		if r.TLS.DidResume {
			c.resumed.Add(1)
		}
		_, _ = w.Write([]byte("[]"))
	}))
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.opened.Add(1)
		}
	}
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

// client returns one with connections of the pool.
func (c *connections) client(t *testing.T, pool *Pool, timeout time.Duration) *Client {
	t.Helper()
	return c.clientWith(t, pool, testKey, timeout)
}

func (c *connections) clientWith(t *testing.T, pool *Pool, key string, timeout time.Duration) *Client {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	client, err := New(Config{BaseURL: c.URL + "/api", Key: NewKey(key), CA: ca, Pool: pool, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	if transport, ok := client.http.Transport.(*http.Transport); ok && transport.IdleConnTimeout != 0 {
		transport.IdleConnTimeout = 0 // a busy machine may take longer from one poll to the next
	}
	return client
}

// poll asks for the tasks, and wants so many connections to have been opened since the server started.
func (c *connections) poll(t *testing.T, client *Client, want int64) {
	t.Helper()
	if err := client.NewPass(Query{}).Next(t.Context(), func(Task) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if got := c.opened.Load(); got != want {
		t.Fatalf("%d connections, want %d", got, want)
	}
}

// Clients share connections as long as they mean the same by them, and until the last of them is closed.
func TestClientsShareConnections(t *testing.T) {
	server, pool := newConnections(t), NewPool()
	first, second := server.client(t, pool, time.Minute), server.client(t, pool, time.Minute)
	server.poll(t, first, 1)
	server.poll(t, second, 1)
	patient := server.client(t, pool, time.Hour)
	server.poll(t, patient, 2)
	server.poll(t, server.client(t, nil, time.Minute), 3)

	first.Close()
	first.Close()
	server.poll(t, second, 3) // still open
	second.Close()
	server.poll(t, server.client(t, pool, time.Minute), 4)
	patient.Close()
	if len(pool.shared) != 1 {
		t.Errorf("%d transports are kept for one that is in use", len(pool.shared))
	}
}

// TestWhoSharesNoConnections: another server's are checked otherwise, and whom one source trusts is no other's to choose.
func TestWhoSharesNoConnections(t *testing.T) {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: newConnections(t).Certificate().Raw})
	pool, apart := NewPool(), map[http.RoundTripper]bool{}
	for _, cfg := range []Config{
		{BaseURL: "https://localhost"}, {BaseURL: "http://localhost"}, {BaseURL: "https://localhost:444"}, {BaseURL: "https://a.example"},
		{BaseURL: "https://localhost", CA: ca}, {BaseURL: "https://localhost", Timeout: time.Hour},
	} {
		cfg.Pool = pool
		apart[newTestClient(t, cfg).http.Transport] = true
	}
	if len(apart) != 6 {
		t.Errorf("6 have %d transports", len(apart))
	}
}

// A connection does not say who asks: each request does.
func TestASharedConnectionHasEachKey(t *testing.T) {
	server, pool := newConnections(t), NewPool()
	for _, key := range []string{"one-key", "another-key", "one-key"} {
		server.poll(t, server.clientWith(t, pool, key, time.Minute), 1)
		if got := server.asked.Load(); got != "Bearer "+key {
			t.Errorf("asked with %q, want %s", got, key)
		}
	}
}

// A connection that has to be opened anew goes on where the last one was: the server's certificates are not sent and checked each time.
func TestConnectionsAreResumed(t *testing.T) {
	server := newConnections(t)
	client := server.client(t, nil, time.Minute)
	for n := range int64(3) {
		server.poll(t, client, n+1)
		client.http.CloseIdleConnections()
	}
	if got := server.resumed.Load(); got != 2 {
		t.Errorf("%d of 2 further connections were resumed", got)
	}
}

// Where a server has no room for more on a connection of HTTP/2, since others' requests hang there, another connection is opened.
func TestRequestsThatHangLeaveRoomForOthers(t *testing.T) {
	c := &connections{}
	var hanging sync.WaitGroup
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer hanging" {
			hanging.Done()
			<-r.Context().Done()
			return
		}
		if r.ProtoMajor == 2 {
			_, _ = w.Write([]byte("[]"))
		}
	}))
	c.EnableHTTP2 = true
	c.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 4}
	c.StartTLS()
	t.Cleanup(c.Close)
	pool := NewPool()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const tenants = 30
	hanging.Add(tenants)
	for range tenants {
		client := c.clientWith(t, pool, "hanging", time.Minute)
		go func() { _, _ = client.Get(ctx, "t") }()
	}
	hanging.Wait()
	if err := c.client(t, pool, time.Minute).NewPass(Query{}).Next(t.Context(), func(Task) bool { return true }); err != nil {
		t.Error(err)
	}
}

// However many questions there are at once, a client has ten under way.
func TestRequestsUnderWayAreBounded(t *testing.T) {
	var now atomic.Int64
	var tooMany atomic.Bool
	proceed := make(chan struct{})
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if now.Add(1) > maxRequests {
			tooMany.Store(true)
		}
		<-proceed
		now.Add(-1)
		_, _ = w.Write([]byte(`{"id":"t"}`))
	}))
	done := make(chan error)
	const questions = 3 * maxRequests
	for range questions {
		go func() {
			_, err := c.Get(t.Context(), "t")
			done <- err
		}()
	}
	for range questions {
		proceed <- struct{}{}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if tooMany.Load() {
		t.Errorf("more than %d requests at once", maxRequests)
	}
}
