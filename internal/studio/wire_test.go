// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestByteOrderMark: one before a list or a task is skipped, however the answer comes in pieces.
func TestByteOrderMark(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "\xef")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "\xbb\xbf")
		if strings.HasSuffix(r.URL.Path, "/a") {
			_, _ = io.WriteString(w, `{"id":"a"}`)
			return
		}
		_, _ = io.WriteString(w, `[{"id":"a"}]`)
	}))
	if p := c.NewPass(Query{}); p.Next(t.Context(), all) != nil || !p.Seen("a") {
		t.Error("the list can't be read")
	}
	if task, err := c.Get(t.Context(), "a"); err != nil || task.ID != "a" {
		t.Errorf("the task can't be read: %v", err)
	}
}

// TestASilentConnection: one over HTTP/2 that nothing comes through any more is given up within seconds, whatever the time-out of
// requests, and the next request takes another.
func TestASilentConnection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("it is %s", r.Proto)
		}
		_, _ = io.WriteString(w, `{"id":"a"}`)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	relay := newRelay(t, srv.Listener.Addr().String())
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	c := newTestClient(t, Config{BaseURL: "https://" + relay.Addr().String() + "/api", CA: ca, Timeout: time.Minute})
	defer c.Close()
	if _, err := c.Get(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	relay.silence()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second) // less than a request's own time-out
	defer cancel()
	_, err := c.Get(ctx, "a")
	if err != nil {
		_, err = c.Get(ctx, "a")
	}
	if err != nil {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// relay passes connections on, until it is silenced: then those that are there get nothing through, and new ones do.
type relay struct {
	net.Listener

	mu     sync.Mutex
	silent []*atomic.Bool
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It ends with the test.
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to) //nolint:noctx // It ends with the test.
			if err != nil {
				return
			}
			silent := &atomic.Bool{}
			r.mu.Lock()
			r.silent = append(r.silent, silent)
			r.mu.Unlock()
			go pass(there, from, silent)
			go pass(from, there, silent)
		}
	}()
	return r
}

func (r *relay) silence() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, silent := range r.silent {
		silent.Store(true)
	}
}

// pass copies until a connection ends, and drops what comes in silence.
func pass(to, from net.Conn, silent *atomic.Bool) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if silent.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// TestTheProxyIsNamed: what a proxy refuses, and that there is none, is told as the proxy's.
func TestTheProxyIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		says   string
	}{
		"credentials": {http.StatusProxyAuthRequired, "The proxy asks for credentials (407)"},
		"refusal":     {http.StatusForbidden, "The proxy does not connect to studio.example (403 Forbidden)"},
		"none":        {0, "The proxy can't be reached"},
	} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) }))
		address, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		if c.status == 0 {
			proxy.Close()
		}
		client := newTestClient(t, Config{BaseURL: "https://studio.example/api"})
		transport, ok := client.http.Transport.(*http.Transport)
		if !ok {
			t.Fatal("another transport")
		}
		transport.Proxy = http.ProxyURL(address)
		transport.DialContext = (&net.Dialer{}).DialContext
		_, err = client.Get(t.Context(), "a")
		if e := apiError(t, err, Unavailable); !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: it says %s", name, e.Message)
		}
		proxy.Close()
		client.Close()
	}
}

// TestKeysWithStrangeCharacters: the message says which, and where.
func TestKeysWithStrangeCharacters(t *testing.T) {
	for key, says := range map[string]string{
		"\uFEFFabc": "a byte order mark (U+FEFF, character 1)", "ab\u200bc": "an invisible character (U+200B, character 3)",
		"ab c": "white space (U+0020, character 3)", "a\u00a0c": "white space (U+00A0, character 2)", "a\nb": "control character (U+000A, character 2)",
		`"abc"`: "a quotation mark (U+0022, character 1)", "'abc'": "a quotation mark (U+0027, character 1)", "“abc”": "a quotation mark (U+201C",
		"abc…": "a character that is not ASCII (U+2026, character 4)",
	} {
		_, err := New(Config{BaseURL: "https://studio.example/api", Key: NewKey(key)})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %s", key, err, says)
		}
	}
}

// TestAProxyThatIsNoURL is refused, and not quoted.
func TestAProxyThatIsNoURL(t *testing.T) {
	for proxy, ok := range map[string]bool{
		"": true, "http://proxy.example:3128": true, "proxy.example:3128": true, "http://user:secret@proxy.example": true,
		"http://user:secret@[bad": false, "http://": false, "ftp://proxy.example": false, "http://user:secret@proxy.example:port": false,
	} {
		t.Setenv("HTTPS_PROXY", proxy)
		if err := CheckProxy(); (err == nil) != ok || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", proxy, err)
		}
	}
}
