// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestCompressedAnswers: what was asked for is read, whole; what can't be, is explained.
func TestCompressedAnswers(t *testing.T) {
	random := make([]byte, 48<<10) // larger than what deflate looks back on
	_, _ = rand.Read(random)
	name := strings.Repeat(base64.StdEncoding.EncodeToString(random), 16)
	list := func(w io.Writer, names int) {
		_, _ = io.WriteString(w, `[{"id":"a"}`)
		for i := range names {
			_, _ = fmt.Fprintf(w, `,{"id":"%d","name":"%s"}`, i, name)
		}
		_, _ = io.WriteString(w, `]`)
	}
	for name, tt := range map[string]struct {
		body func(io.Writer)
		says string // "" where the list is read
		kind Kind
	}{
		"a list":             {func(w io.Writer) { list(w, 0) }, "", ""},
		"a long one":         {func(w io.Writer) { list(w, 1+freeLength/len(name)) }, "", ""},
		"blanks without end": {func(w io.Writer) { bomb(w, " ") }, "more than 200 times", Malformed},
		"one long number":    {func(w io.Writer) { bomb(w, "[1") }, "more than 200 times", Malformed},
		"cut off":            {func(w io.Writer) { _, _ = io.WriteString(w, `[{"id":"a"}`) }, "breaks off", Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "gzip" {
					t.Error("not asked for")
				}
				w.Header().Set("Content-Encoding", "gzip")
				zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
				tt.body(zip)
				_ = zip.Close()
			}))
			defer srv.Close()
			c := newTestClient(t, Config{BaseURL: srv.URL + "/api", Timeout: time.Minute})
			defer c.Close()
			p := c.NewPass(Query{})
			err := p.Next(t.Context(), all)
			if tt.kind == "" {
				if err != nil || !p.Seen("a") {
					t.Errorf("the list can't be read: %v", err)
				}
				return
			}
			if e := apiError(t, err, tt.kind); !strings.Contains(e.Message, tt.says) {
				t.Errorf("%q does not say %q", e.Message, tt.says)
			}
		})
	}
}

// bomb writes a beginning, and its last letter 3 million times.
func bomb(w io.Writer, begin string) {
	_, _ = io.WriteString(w, begin)
	piece := []byte(strings.Repeat(begin[len(begin)-1:], 1<<20))
	for range 3 {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}
