// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestNewRefuses(t *testing.T) {
	ok := Config{BaseURL: "https://livepeer.studio/api", Key: NewKey(testKey)}
	tests := map[string]struct {
		change func(*Config)
		field  string
	}{
		"nothing":       {func(*Config) {}, ""},
		"a slash":       {func(c *Config) { c.BaseURL += "/" }, ""},
		"no url":        {func(c *Config) { c.BaseURL = "" }, "url"},
		"other scheme":  {func(c *Config) { c.BaseURL = "ftp://h" }, "url"},
		"no host":       {func(c *Config) { c.BaseURL = "https:///api" }, "url"},
		"user info":     {func(c *Config) { c.BaseURL = "https://u:" + testKey + "@h/api" }, "url"},
		"query":         {func(c *Config) { c.BaseURL = "https://h/api?key=" + testKey }, "url"},
		"unparsable":    {func(c *Config) { c.BaseURL = "https://" + testKey + "%zz/" }, "url"},
		"no key":        {func(c *Config) { c.Key = NewKey(" \n") }, "apiKey"},
		"key of 2 rows": {func(c *Config) { c.Key = NewKey(testKey + "\nx") }, "apiKey"},
		"bad ca":        {func(c *Config) { c.CA = []byte("no PEM") }, "ca.crt"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := ok
			tt.change(&cfg)
			_, err := New(cfg)
			if tt.field == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			e, ok := errors.AsType[*ConfigError](err)
			if !ok || e.Field != tt.field {
				t.Fatalf("error %v, want one about %s", err, tt.field)
			}
			wantNoKey(t, fmt.Sprintf("%v %#v", err, err))
		})
	}
}

func TestGet(t *testing.T) {
	var path string
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		if got := r.Header.Get("Authorization"); got != "Bearer "+testKey {
			t.Errorf("authorization %q", got)
		}
		if r.Header.Get("Accept") != "application/json" || r.Header.Get("User-Agent") != "test/1" || len(r.Header["Origin"]) > 0 {
			t.Errorf("headers %v", r.Header)
		}
		_, _ = fmt.Fprint(w, `{"id":"a/b ?#%","deleted":true,"status":{"updatedAt":5}}`)
	}))
	task, err := c.Get(t.Context(), "a/b ?#%")
	if err != nil || task.ID != "a/b ?#%" || !task.Deleted || task.UpdatedAt != 5 || len(task.Raw) == 0 {
		t.Errorf("got %+v, %v", task, err)
	}
	if path != "/api/task/a%2Fb%20%3F%23%25" {
		t.Errorf("asked for %s", path)
	}
	_, err = c.Get(t.Context(), "another")
	wantKind(t, err, Malformed)
}

func TestGetAsksForTasksOnly(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) }))
	for _, id := range []string{"", ".", ".."} {
		_, err := c.Get(t.Context(), id)
		wantKind(t, err, Malformed)
	}
}

func TestGetMalformed(t *testing.T) {
	for _, answer := range []string{"", "null", "[]", "[{\"id\":\"a\"}]", "{}", `{"id":1}`, `{"id":"a"`, `{"id":"a"}}`, "<html>"} {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, answer) }))
		_, err := c.Get(t.Context(), "a")
		wantKind(t, err, Malformed)
	}
}

func TestRedirectToAnotherHost(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host was asked, with %v", r.Header)
	}))
	defer other.Close()
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(other.URL, "http://", "http://user:secret@", 1)+"/task?token=secret", http.StatusFound)
	}))
	_, err := c.Get(t.Context(), "a")
	e := apiError(t, err, Unavailable)
	if !strings.Contains(e.Message, other.Listener.Addr().String()) || !strings.Contains(e.Message, "spec.url") {
		t.Errorf("message does not help: %s", e.Message)
	}
	if strings.Contains(fmt.Sprintf("%v %#v %v", e, e, e.Err), "secret") {
		t.Errorf("message tells too much: %#v", e)
	}
}

func TestRedirectToAnotherScheme(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://"+r.Host+"/")
		w.WriteHeader(http.StatusMovedPermanently)
	}))
	_, err := c.Get(t.Context(), "a")
	if e := apiError(t, err, Unavailable); !strings.Contains(e.Message, "https://"+c.host) {
		t.Errorf("message does not help: %s", e.Message)
	}
}

func TestRedirectsWithinTheHost(t *testing.T) {
	for redirects, ok := range map[int]bool{1: true, maxRedirects: true, maxRedirects + 1: false} {
		left := redirects
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			left--
			if left >= 0 {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			if r.Header.Get("Authorization") == "" {
				t.Error("the key got lost")
			}
			_, _ = fmt.Fprint(w, `{"id":"a"}`)
		}))
		if _, err := c.Get(t.Context(), "a"); (err == nil) != ok {
			t.Errorf("%d redirects: error %v", redirects, err)
		}
	}
}

func TestCA(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"id":"a","proto":%d}`, r.ProtoMajor)
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()

	c := newTestClient(t, Config{BaseURL: srv.URL})
	_, err := c.Get(t.Context(), "a")
	if e := apiError(t, err, Unavailable); !strings.Contains(e.Message, "ca.crt") {
		t.Errorf("message does not help: %s", e.Message)
	}

	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	c = newTestClient(t, Config{BaseURL: srv.URL, CA: ca})
	defer c.Close()
	task, err := c.Get(t.Context(), "a")
	if err != nil || !strings.Contains(string(task.Raw), `"proto":2`) {
		t.Errorf("got %s, %v", task.Raw, err)
	}

	c = newTestClient(t, Config{BaseURL: strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), CA: ca})
	_, err = c.Get(t.Context(), "a")
	if e := apiError(t, err, Unavailable); !strings.Contains(e.Message, "not for localhost") {
		t.Errorf("message does not help: %s", e.Message)
	}
}

func TestDeadlineCoversTheWholeAnswer(t *testing.T) {
	for name, begin := range map[string]string{"no answer": "", "half an answer": `[{"id":"a"},`} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if begin != "" {
					_, _ = fmt.Fprint(w, begin)
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			}))
			defer srv.Close()
			c := newTestClient(t, Config{BaseURL: srv.URL, Timeout: 150 * time.Millisecond})
			err := c.NewPass(Query{}).Next(t.Context(), all)
			if e := apiError(t, err, Unavailable); !strings.HasSuffix(e.Message, "within 150ms. If it is just slow, raise spec.timeout.") {
				t.Errorf("message does not help: %s", e.Message)
			}
		})
	}
}
