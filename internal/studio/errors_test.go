// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

func TestErrorAnswers(t *testing.T) {
	const page = "<!DOCTYPE html><html><body>internal details</body></html>"
	tests := []struct {
		status int
		header string
		body   string
		kind   Kind
		after  time.Duration
		says   string // of a list
	}{
		{401, "", `{"errors":["no token ` + testKey + ` found"]}`, Unauthorized, 0, "no token [redacted] found"},
		{401, "", `{"errors":["request is not authenticated"]}`, Unauthorized, 0, "apiKey in the Secret"},
		{403, "", `{"errors":["user is suspended"]}`, Forbidden, 0, "user is suspended"},
		{404, "", `Cannot GET /api/task`, NotFound, 0, "spec.url"},
		{404, "", `<html>`, NotFound, 0, "goes without /task"},
		{429, "", ``, RateLimited, 0, "raise spec.interval"},
		{503, "", ``, Unavailable, 0, "It is asked again by itself"},
		{400, "", ``, Malformed, 0, "Check spec.url"},
		{429, "Retry-After: 7", `{"message":"slow down"}`, RateLimited, 7 * time.Second, "slow down"},
		{429, "Retry-After: 99999999", ``, RateLimited, time.Hour, "too often"},
		{429, "Retry-After: 99999999999", ``, RateLimited, time.Hour, "too often"},
		{429, "Retry-After: 99999999999999999999999999999999", ``, RateLimited, time.Hour, "too often"},
		{429, "Retry-After: 1.5", ``, RateLimited, 2 * time.Second, "too often"},
		{429, "Retry-After: 0.2", ``, RateLimited, time.Second, "too often"},
		{429, "Retry-After: 30, 60", ``, RateLimited, time.Minute, "too often"},
		{429, "Retry-After: soon", ``, RateLimited, 0, "too often"},
		{407, "", ``, Unavailable, 0, "The proxy asks for credentials (407"},
		{200, "Content-Encoding: br", "\x0b\x02\x80", Malformed, 0, `encoded as "br"`},
		{200, "Content-Encoding: x-gzip", "\x1f\x8b", Malformed, 0, `encoded as "x-gzip"`},
		{200, "Content-Encoding: deflate", "[]", Malformed, 0, `encoded as "deflate"`},
		{403, "", `{"errors":["user is suspended"]}`, Forbidden, 0, "has suspended the user"},
		{403, "", `{"errors":["access from origin: CORS"]}`, Forbidden, 0, "for web pages"},
		{500, "", `{"message":"TypeError: Cannot read properties of null"}`, Unavailable, 0, "project was deleted"},
		{429, "Retry-After: -1", ``, RateLimited, 0, "429 Too Many Requests"},
		{503, "Retry-After: 3", page, Unavailable, 3 * time.Second, "an HTML page"},
		{500, "", `{"errors":[{"message":"odd"}]}`, Unavailable, 0, "odd"},
		{502, "Content-Type: text/html", "Bad gateway, internal details", Unavailable, 0, "an HTML page"},
		{408, "", ``, Unavailable, 0, "408 Request Timeout"},
		{400, "", `{"errors":["one","two"]}`, Malformed, 0, "one; two"},
		{431, "", "a\x00b\x1b[31m\u202ec", Malformed, 0, `"a b [31m c"`},
		{431, "", `{"errors":["a\u009b31m\u202eb\u200bc\u2028d ` + testKey[:4] + `\u200b` + testKey[4:] + `"]}`, Malformed, 0, ": a 31m bc d [redacted])"},
		{302, "", ``, Malformed, 0, "302 Found"},
		{304, "", ``, Malformed, 0, "304"},
		{204, "", ``, Malformed, 0, "204"},
		{200, "Content-Type: text/html", page, Malformed, 0, "an HTML page"},
		{200, "Content-Type: text/plain", "hello " + testKey, Malformed, 0, `(text/plain) begins with "hello [redacted]"`},
		{200, "", `{"message":"maintenance"}`, Malformed, 0, "maintenance"},
		{200, "", "null", Malformed, 0, "null"},
		{200, "", " \n", Malformed, 0, "empty answer"},
		{200, "", `[{"id":"a"}`, Malformed, 0, "breaks off"},
		{200, "", `[null,{}]`, Malformed, 0, "none of its elements"},
		{200, "", `[{"id":"a","apiSecret":"hidden"} oops]`, Malformed, 0, "can't be read"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.says), func(t *testing.T) {
			c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				name, value, _ := strings.Cut(tt.header, ": ")
				if name != "" {
					w.Header().Set(name, value)
				}
				w.WriteHeader(tt.status)
				_, _ = fmt.Fprint(w, tt.body)
			}))
			p := c.NewPass(Query{})
			err := p.Next(t.Context(), all)
			if tt.status == 500 && err == nil { // it may be one row
				err = p.Next(t.Context(), all)
			}
			e := apiError(t, err, tt.kind)
			if e.Status != tt.status || e.RetryAfter != tt.after || !strings.Contains(e.Message, tt.says) {
				t.Errorf("got %+v, want it to say %s", *e, tt.says)
			}
			if strings.Contains(e.Message, "internal details") || strings.Contains(e.Message, "hidden") {
				t.Errorf("it tells too much: %s", e.Message)
			}
			wantNoKey(t, fmt.Sprintf("%v %+v %#v %v", err, *e, e, e.Err))
		})
	}
}

func TestErrorsOfGet(t *testing.T) {
	for status, kind := range map[int]Kind{404: NotFound, 403: Forbidden, 401: Unauthorized, 500: Unavailable} {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, `{"errors":["not found"]}`)
		}))
		_, err := c.Get(t.Context(), "a-task")
		e := apiError(t, err, kind)
		if status < 500 && status > 401 && !strings.Contains(e.Message, "a-task") {
			t.Errorf("%d: message does not help: %s", status, e.Message)
		}
	}
}

// TestRetryAfterByAnotherClock: a date is meant by the clock of whoever sends it, which its answer tells.
func TestRetryAfterByAnotherClock(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, ahead := range []time.Duration{-10 * time.Minute, 0, 10 * time.Minute} {
		h := http.Header{"Date": {now.Add(ahead).Format(http.TimeFormat)}, "Retry-After": {now.Add(ahead + time.Minute).Format(http.TimeFormat)}}
		if got := RetryAfter(h, now); got != time.Minute {
			t.Errorf("a clock that is %s ahead: %s", ahead, got)
		}
	}
}

func TestRetryAfterDate(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct{ in, want time.Duration }{{time.Minute, time.Minute}, {-time.Minute, 0}, {48 * time.Hour, time.Hour}} {
		h := http.Header{"Retry-After": {now.Add(tt.in).Format(http.TimeFormat)}}
		if got := RetryAfter(h, now); got != tt.want {
			t.Errorf("in %s: %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		// The key would be cut in the middle, and then not be recognised any more.
		_, _ = fmt.Fprintf(w, `{"errors":["%s%s%s"]}`, strings.Repeat("ä ", 95), testKey, strings.Repeat("ü", 60000))
	}))
	_, err := c.Get(t.Context(), "a")
	e := apiError(t, err, Unavailable)
	if len(e.Message) > 400 || strings.Contains(e.Message, testKey[:8]) || strings.ContainsRune(e.Message, '\uFFFD') {
		t.Errorf("%d bytes: %s", len(e.Message), e.Message)
	}
}

func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	hangUp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer hangUp.Close()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = fmt.Fprint(conn, r.Header.Get("Authorization"), "\r\n\r\n")
			_ = conn.Close()
		}
	}))
	defer echo.Close()
	for name, tt := range map[string]struct{ url, says string }{
		"refused": {closed.URL, "refuses connections"},
		"no host": {"https://no-such-host.invalid/api", "no-such-host.invalid"},
		"no TLS":  {strings.Replace(hangUp.URL, "http:", "https:", 1), "does not speak TLS"},
		"hung up": {hangUp.URL, "was closed"},
		"no HTTP": {echo.URL, "can't be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "no TLS" {
				plain := httptest.NewServer(http.NotFoundHandler())
				defer plain.Close()
				tt.url = strings.Replace(plain.URL, "http:", "https:", 1)
			}
			c := newTestClient(t, Config{BaseURL: tt.url, Redactor: redact.New()})
			_, err := c.Get(t.Context(), "an-id?token=x")
			e := apiError(t, err, Unavailable)
			if !strings.Contains(e.Message, tt.says) || strings.Contains(e.Message, "token=x") {
				t.Errorf("got %q, want it to say %s", e.Message, tt.says)
			}
			if e.Status != 0 || errors.Unwrap(e) == nil {
				t.Errorf("status %d, cause %v", e.Status, e.Err)
			}
			if strings.Contains(e.Err.Error(), "an-id") {
				t.Errorf("the cause tells the URL: %v", e.Err)
			}
			wantNoKey(t, fmt.Sprintf("%v %+v %#v %v", err, *e, e, e.Err))
		})
	}
}

// TestWhatStandsBetween: a network policy shows as DNS that does not answer, or as a host that refuses. The message says to look there.
func TestWhatStandsBetween(t *testing.T) {
	c := newTestClient(t, Config{BaseURL: "https://studio.example/api", Redactor: redact.New()})
	dial := func(err error) error { return &url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: err}} }
	for name, tt := range map[string]struct {
		err   error
		check string
	}{
		"no answer from DNS": {dial(&net.DNSError{Err: "i/o timeout", Name: "studio.example", IsTimeout: true}), "network policies"},
		"DNS refuses":        {dial(&net.DNSError{Err: "connection refused", Name: "studio.example", IsTemporary: true}), "network policies"},
		"no such name":       {dial(&net.DNSError{Err: "no such host", Name: "studio.example", IsNotFound: true}), "spec.url"},
		"refused":            {dial(syscall.ECONNREFUSED), "network policies"},
		"no connection":      {dial(os.ErrDeadlineExceeded), "network policies"},
	} {
		if m := c.unreachable(tt.err).Message; !strings.Contains(m, "Check ") || !strings.Contains(m, tt.check) {
			t.Errorf("%s: %q does not say to check %s", name, m, tt.check)
		}
	}
}

// TestAKeyOfStudiosForm: of a key that is written as Studio's are, nobody is told that it has another form.
func TestAKeyOfStudiosForm(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	for key, odd := range map[string]bool{
		"09f8b46c-61a0-4254-9875-f71f4c605bc7": false, "MDlmOGI0NmMtNjFhMC00MjU0LTk4NzUtZjcxZjRjNjA1YmM3": true, "09f8b46c-61a0": true,
	} {
		c := newTestClient(t, Config{BaseURL: server.URL, Redactor: redact.New()})
		c.config.Key = NewKey(key)
		_, err := c.Get(t.Context(), "a")
		if e := apiError(t, err, Unauthorized); strings.Contains(e.Message, "look like a key of Studio") != odd || strings.Contains(e.Message, key) {
			t.Errorf("%s: %s", key, e.Message)
		}
	}
}

// TestMessagesStayTheSame: a message that differs from one attempt to the next would be written, and read, each time. So it names neither
// the present time nor the port that a connection came from.
func TestMessagesStayTheSame(t *testing.T) {
	c := newTestClient(t, Config{BaseURL: "https://studio.example/api", Redactor: redact.New()})
	from, to := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)
	expired := x509.CertificateInvalidError{
		Cert: &x509.Certificate{NotBefore: from, NotAfter: to}, Reason: x509.Expired, Detail: "current time 2026-11-29T21:24:35Z is after ...",
	}
	local := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 43210}
	for name, tt := range map[string]struct {
		err           error
		says, saysNot string
	}{
		"certificate": {&tls.CertificateVerificationError{Err: expired}, "not valid: the certificate's time is 2026-01-02T00:00:00Z to 2026-02-03T00:00:00Z. Renew it, or set", "current time"},
		"broken pipe": {&net.OpError{Op: "write", Source: local, Err: syscall.EPIPE}, "was closed", "43210"},
		"another":     {&net.OpError{Op: "read", Source: local, Err: syscall.EPROTO}, "Check spec.url and network policies", "43210"},
	} {
		if m := c.unreachable(tt.err).Message; !strings.Contains(m, tt.says) || strings.Contains(m, tt.saysNot) {
			t.Errorf("%s: %s", name, m)
		}
	}
}

func TestBadElementsAreSkipped(t *testing.T) {
	n := 0
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = fmt.Fprint(w, `[null,{"id":"a"},{"id":7},{"id":"b"},{}]`)
	}))
	p := c.NewPass(Query{})
	ids := collect(t, p, 5, nil)
	if strings.Join(ids, "") != "ab" || p.Bad() != 3 || n < 2 {
		t.Errorf("listed %v with %d bad in %d answers, want a and b, with 3 counted once", ids, p.Bad(), n)
	}
}
