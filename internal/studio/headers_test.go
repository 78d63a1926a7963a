// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// answering is a server that answers each request with these bytes, and takes no memory for it.
func answering(t *testing.T, answer string) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, answer)
			}
			_ = conn.Close()
		}
	}()
	return "http://" + listener.Addr().String() + "/api"
}

// TestHeadersTakeLittleMemory: the header of an answer is kept for as long as its body is read. As many short fields as fit into a
// megabyte took 16 MB, for each of all answers that the sources of one namespace may have under way. What proxies add is no trouble.
func TestHeadersTakeLittleMemory(t *testing.T) {
	fields := func(count int, value string) string {
		var b strings.Builder
		for n := range count {
			_, _ = fmt.Fprintf(&b, "%x:%s\r\n", n, value)
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		fields string
		usual  bool
	}{
		"many short fields":     {fields(120_000, ""), false},
		"a very long one":       {"a:" + strings.Repeat("x", 200<<10) + "\r\n", false},
		"those of some proxies": {fields(60, " "+strings.Repeat("x", 128)), true},
		"a long policy":         {"content-security-policy: " + strings.Repeat("x", 10<<10) + "\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			answer := "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + tt.fields + "\r\n" + `{"id":"a"}`
			c := newTestClient(t, Config{BaseURL: answering(t, answer)})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := c.Get(t.Context(), "a")
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
				t.Errorf("%d KiB were allocated", took>>10)
			}
			if tt.usual && err != nil {
				t.Error(err)
			} else if !tt.usual {
				wantTooLong(t, err)
			}
		})
	}
}

// TestHeadersOfHTTP2 are bounded as well. Far too many fields end the connection, and nothing tells why.
func TestHeadersOfHTTP2(t *testing.T) {
	for fields, told := range map[int]bool{500: true, 2000: false} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for n := range fields {
				w.Header().Set(fmt.Sprintf("x-%d", n), "y")
			}
			_, _ = io.WriteString(w, `{"id":"a"}`)
		}))
		srv.EnableHTTP2 = true
		srv.StartTLS()
		t.Cleanup(srv.Close)
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
		_, err := newTestClient(t, Config{BaseURL: srv.URL + "/api", CA: ca}).Get(t.Context(), "a")
		if told {
			wantTooLong(t, err)
		} else {
			_ = apiError(t, err, Unavailable)
		}
	}
}

func wantTooLong(t *testing.T, err error) {
	t.Helper()
	if e := apiError(t, err, Unavailable); !strings.Contains(e.Message, "header of the answer is longer than 16 KiB") {
		t.Error(e.Message)
	}
}
