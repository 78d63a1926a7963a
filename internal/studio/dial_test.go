// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeDNS answers every question with the address that is set, and with nothing for the other family.
type fakeDNS struct {
	mu   sync.Mutex
	addr netip.Addr
}

func (d *fakeDNS) set(addr string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addr = netip.MustParseAddr(addr)
}

// resolver asks d, over what looks like a connection for datagrams to the resolver.
func (d *fakeDNS) resolver(t *testing.T) *net.Resolver {
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(d.answer(buf[:n]), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer makes the answer to a question: its header and the question again, then one record.
func (d *fakeDNS) answer(question []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	const typeA, typeAAAA = 1, 28
	asked := binary.BigEndian.Uint16(question[end+1:])
	out := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[12:end+5]...)
	if d.addr.Is4() && asked == typeA || d.addr.Is6() && asked == typeAAAA {
		out[7] = 1
		rdata := d.addr.AsSlice()
		out = append(out, 0xc0, 12, 0, byte(asked), 0, 1, 0, 0, 0, 0, 0, byte(len(rdata)))
		out = append(out, rdata...)
	}
	return out
}

// TestNameThatLeadsInside: a name is followed where it leads to each time anew, and not into machines.
func TestNameThatLeadsInside(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte(`{"id":"a"}`))
	}))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	hosts, err := ParseHosts("http://api.example.com")
	if err != nil {
		t.Fatal(err)
	}
	dns := &fakeDNS{}
	c := newTestClient(t, Config{BaseURL: "http://api.example.com:" + port + "/api", Hosts: hosts})
	defer c.Close()
	u, _ := url.Parse(c.base)
	dialer := newDialer(u, hosts, time.Minute)
	dialer.Resolver = dns.resolver(t)
	transport, ok := c.http.Transport.(*http.Transport)
	if !ok {
		t.Fatal("another transport")
	}
	transport.DialContext = dialer.DialContext
	transport.DisableKeepAlives = true

	for _, addr := range []string{"127.0.0.1", "169.254.169.254", "0.0.0.0", "fd00:ec2::254", "fe80::1", "127.0.0.1"} {
		dns.set(addr)
		before := asked
		_, err := c.Get(t.Context(), "a")
		if addr == "127.0.0.1" {
			if err != nil || asked != before+1 {
				t.Errorf("%s: asked %d times: %v", addr, asked-before, err)
			}
			continue
		}
		e := apiError(t, err, Unavailable)
		if config, ok := errors.AsType[*ConfigError](err); !ok || config.Field != "url" {
			t.Errorf("%s: %v is no refusal", addr, err)
		}
		if asked != before || !strings.Contains(e.Message, "api.example.com leads to an internal address") {
			t.Errorf("%s: asked %d times: %s", addr, asked-before, e.Message)
		}
	}
}

// TestLocalhostIsLookedUp: plain http is for this machine, also where localhost means another.
func TestLocalhostIsLookedUp(t *testing.T) {
	dns := &fakeDNS{}
	dns.set("10.1.2.3")
	u := &url.URL{Scheme: "http", Host: "x.localhost:80"}
	dialer := newDialer(u, Hosts{}, time.Minute)
	dialer.Resolver = dns.resolver(t)
	_, err := dialer.DialContext(t.Context(), "tcp", u.Host)
	if config, ok := errors.AsType[*ConfigError](err); !ok || !strings.Contains(config.Message, "Plain http") {
		t.Errorf("got %v", err)
	}
}

// TestBehindProxy: the operator's proxy is where its administrator put it; the host behind it has to be permitted. The
// environment is read once a process, so there is another one for this.
func TestBehindProxy(t *testing.T) {
	const child = "BEHIND_PROXY"
	if os.Getenv(child) != "" {
		c := newTestClient(t, Config{BaseURL: "https://api.example.com"})
		_, err := c.Get(t.Context(), "a")
		if e := apiError(t, err, Unavailable); !strings.Contains(e.Message, "teapot") {
			t.Errorf("the proxy was not asked: %s", e.Message)
		}
		for _, inside := range []string{"https://169.254.169.254", "https://metadata.google.internal", "https://0xa9fea9fe"} {
			if _, err := New(Config{BaseURL: inside, Key: NewKey(testKey)}); err == nil {
				t.Errorf("%s is permitted", inside)
			}
		}
		return
	}
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Method != http.MethodConnect || r.Host != "api.example.com:443" || r.Header.Get("Authorization") != "" {
			t.Errorf("the proxy is asked for %s %s with %v", r.Method, r.Host, r.Header)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	defer proxy.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBehindProxy$")
	cmd.Env = append(os.Environ(), child+"=1", "HTTPS_PROXY="+proxy.URL, "NO_PROXY=")
	if out, err := cmd.CombinedOutput(); err != nil || asked.Load() != 1 {
		t.Errorf("asked %d times: %v\n%s", asked.Load(), err, out)
	}
}
