// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

const token = "a-token-nobody-else-may-see"

func anEvent(t *testing.T) *sdk.Event {
	t.Helper()
	task := aTask()
	task.Spec.ID = "no header\nholds\x00 this: ü" // a task's ID is Studio's
	event, err := NewEvent(aSource(), task, &v1alpha1.Transition{Phase: "completed", UpdatedAt: at(1)}, true)
	if err != nil {
		t.Fatal(err)
	}
	return &event
}

// sinkAt serves handle and returns a sink that leads there.
func sinkAt(t *testing.T, handle http.HandlerFunc) *Sink {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	sink, err := NewSink(SinkConfig{URL: server.URL + "/in", Token: studio.NewKey(token), UserAgent: "test/1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	return sink
}

func TestSendsWhatTheSDKReads(t *testing.T) {
	want := anEvent(t)
	sink := sinkAt(t, func(w http.ResponseWriter, r *http.Request) {
		got, err := cehttp.NewEventFromHTTPRequest(r)
		switch {
		case err != nil:
			t.Error(err)
		case got.ID() != want.ID(), got.Subject() != want.Subject(), !bytes.Equal(got.Data(), want.Data()), got.Validate() != nil:
			t.Errorf("%v arrived", got)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/in" || r.Header.Get("Authorization") != "Bearer "+token ||
			r.Header.Get("User-Agent") != "test/1" || r.Header.Get("Content-Type") != "application/cloudevents+json" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	if err := sink.Send(t.Context(), want); err != nil {
		t.Error(err)
	}
}

// TestAnswers: what each answer means, and that none lets the token out, however the sink echoes it.
func TestAnswers(t *testing.T) {
	for status, want := range map[int]Kind{
		200: "", 202: "", 204: "", 301: Denied, 307: Denied, 400: Refused, 401: Denied, 403: Denied, 404: Denied, 405: Denied,
		408: Unavailable, 409: Refused, 410: Denied, 413: Refused, 415: Refused, 422: Refused, 425: Unavailable,
		429: Unavailable, 500: Unavailable, 503: Unavailable, 599: Unavailable,
	} {
		redirected := false
		sink := sinkAt(t, func(w http.ResponseWriter, r *http.Request) {
			redirected = redirected || r.URL.Path != "/in"
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "got "+r.Header.Get("Authorization")+strings.Repeat(" and more", 1<<20))
		})
		err := sink.Send(t.Context(), anEvent(t))
		trouble, _ := errors.AsType[*Error](err)
		switch {
		case want == "" && err == nil:
		case trouble == nil || trouble.Kind != want || trouble.RetryAfter != 7*time.Second || trouble.Status != status:
			t.Errorf("%d: %#v", status, err)
		case strings.Contains(trouble.Message, token) || len(trouble.Message) > 600:
			t.Errorf("%d: %s", status, trouble.Message)
		case strings.Contains(trouble.Message, "redirects are not followed") != (status < 400),
			strings.Contains(trouble.Message, "Check the sink's URL and sinkToken") != (want == Denied && status >= 400):
			t.Errorf("%d: %s", status, trouble.Message)
		}
		if redirected {
			t.Errorf("%d: followed, with the token", status)
		}
	}
}

// TestAnswersThatDoNotEnd: the status is the answer, however long the sink goes on.
func TestAnswersThatDoNotEnd(t *testing.T) {
	for status, want := range map[int]Kind{200: "", 400: Refused, 503: Unavailable} {
		sink := sinkAt(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "more is to come")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		sink.http.Timeout = 0 // which would end it as well
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := sink.Send(ctx, anEvent(t))
		trouble, _ := errors.AsType[*Error](err)
		if want == "" && err != nil || want != "" && (trouble == nil || trouble.Kind != want || !strings.Contains(trouble.Message, "more is to come")) {
			t.Errorf("%d: %v", status, err)
		}
		if ctx.Err() != nil {
			t.Errorf("%d: it goes on for as long as the sink does", status)
		}
		cancel()
	}
}

// TestReasonPhrase: what stands behind the status is the sink's own text as well. Little of what a sink says is shown, in all.
func TestReasonPhrase(t *testing.T) {
	sink := sinkAt(t, func(w http.ResponseWriter, r *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = connection.Close() }()
		_, _ = fmt.Fprintf(connection, "HTTP/1.1 403 not with %s%s\r\nConnection: close\r\n\r\n%s",
			r.Header.Get("Authorization"), strings.Repeat(", ever", 20), strings.Repeat("; inside", 1000))
	})
	err := sink.Send(t.Context(), anEvent(t))
	trouble, ok := errors.AsType[*Error](err)
	if !ok || trouble.Kind != Denied || !strings.Contains(trouble.Message, "403 not with") ||
		strings.Contains(trouble.Message, token) || len(trouble.Message) > 600 {
		t.Errorf("%#v", err)
	} else if said := 6*strings.Count(trouble.Message, ", ever") + 8*strings.Count(trouble.Message, "; inside"); said < 100 || said > maxQuote {
		t.Errorf("%d characters of it are shown: %s", said, trouble.Message)
	}
}

func TestNoAnswer(t *testing.T) {
	sink := sinkAt(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	err := sink.Send(t.Context(), anEvent(t))
	if trouble, ok := errors.AsType[*Error](err); !ok || trouble.Kind != Unavailable {
		t.Errorf("%#v", err)
	}
	refusing := httptest.NewServer(nil)
	refusing.Close()
	sink, err = NewSink(SinkConfig{URL: refusing.URL})
	if err != nil {
		t.Fatal(err)
	}
	err = sink.Send(t.Context(), anEvent(t))
	if trouble, ok := errors.AsType[*Error](err); !ok || trouble.Kind != Unavailable || !strings.Contains(trouble.Message, "can't be reached") ||
		strings.Contains(trouble.Message, "Post ") {
		t.Errorf("%#v", err)
	}
}

// What differs from one attempt to the next is not in the message: each would be another condition, and another write.
func TestMessagesStayTheSame(t *testing.T) {
	sink, err := NewSink(SinkConfig{URL: "https://sink.example"})
	if err != nil {
		t.Fatal(err)
	}
	expired := x509.CertificateInvalidError{
		Cert: &x509.Certificate{}, Reason: x509.Expired, Detail: "current time 2026-11-29T21:24:35Z is after 2026-11-29T20:24:17Z",
	}
	reset := &net.OpError{Op: "read", Source: &net.TCPAddr{Port: 43210}, Err: syscall.ECONNRESET}
	for changes, cause := range map[string]error{"current time": &tls.CertificateVerificationError{Err: expired}, "43210": reset} {
		if message := sink.failed(t.Context(), &url.Error{Op: "Post", Err: cause}).Error(); strings.Contains(message, changes) {
			t.Error(message)
		}
	}
}

func TestUnusableSinks(t *testing.T) {
	for what, cfg := range map[string]SinkConfig{
		"no URL":         {URL: "sink"},
		"user info":      {URL: "https://me:secret@sink.example"},
		"a query":        {URL: "https://sink.example/?token=secret"},
		"plain http":     {URL: "http://sink.example"},
		"metadata":       {URL: "https://169.254.169.254/latest"},
		"broken token":   {URL: "https://sink.example", Token: studio.NewKey("a\nb")},
		"a whole header": {URL: "https://sink.example", Token: studio.NewKey("Bearer abc")},
		"quotes":         {URL: "https://sink.example", Token: studio.NewKey(`"abc"`)},
		"no certificate": {URL: "https://sink.example", CA: []byte("x")},
	} {
		_, err := NewSink(cfg)
		if trouble, ok := errors.AsType[*Error](err); !ok || trouble.Kind != Unusable || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v", what, err)
		}
	}
	hosts, err := studio.ParseHosts("*,http://sink.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewSink(SinkConfig{URL: "http://sink.example", Hosts: hosts}); err != nil {
		t.Errorf("a listed host: %v", err)
	}
}

// TestSinksLeadWhereSourcesMay: the rules about loopback, plain http and addresses inside are one and the same.
func TestSinksLeadWhereSourcesMay(t *testing.T) {
	for _, list := range []string{"", "*", "sink.example", "10.0.0.0/8,169.254.169.254,sink.example:80"} {
		hosts, err := studio.ParseHosts(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range []string{
			"http://127.0.0.1:1", "http://[::1]", "http://localhost:1", "https://127.0.0.1", "http://10.1.2.3", "https://10.1.2.3",
			"http://sink.example", "https://sink.example", "http://other.example", "https://other.example", "http://169.254.169.254",
			"https://169.254.169.254", "https://[::ffff:a9fe:a9fe]", "https://metadata.google.internal", "http://0.0.0.0", "https://2130706433",
		} {
			_, source := studio.New(studio.Config{BaseURL: u, Key: studio.NewKey("key"), Hosts: hosts})
			_, sink := NewSink(SinkConfig{URL: u, Hosts: hosts})
			if (source == nil) != (sink == nil) || source != nil && source.Error() != sink.Error() {
				t.Errorf("%q, %s: a source %v, a sink %v", list, u, source, sink)
			}
		}
	}
}

// TestMessagesSayTheNextStep: one that can be taken with this sink.
func TestMessagesSayTheNextStep(t *testing.T) {
	bare, err := NewSink(SinkConfig{URL: "https://sink.example"})
	if err != nil {
		t.Fatal(err)
	}
	refused := bare.refused(&http.Response{StatusCode: http.StatusUnauthorized, Status: "401 Unauthorized"}, nil)
	if !strings.Contains(refused.Message, "sinkToken") || !strings.Contains(refused.Message, "notify.cloudEvents.secretRef") {
		t.Error(refused.Message)
	}
	for next, cause := range map[string]error{
		"ca.crt":                 &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"is not for it: correct": &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "sink.example"}},
		"the sink's URL and":     &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"and network policies":   context.DeadlineExceeded,
	} {
		if message := bare.failed(t.Context(), &url.Error{Op: "Post", Err: cause}).Error(); !strings.Contains(message, next) {
			t.Errorf("%q lacks %q", message, next)
		}
	}
}
