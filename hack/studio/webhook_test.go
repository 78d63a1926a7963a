// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The studio tells the webhook of changes, signed, and its user what the webhook answers, once.
func TestServeSendsWebhooks(t *testing.T) {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("shared"))
		mac.Write(body)
		if err != nil || !strings.HasSuffix(r.Header.Get("Livepeer-Signature"), ",v1="+hex.EncodeToString(mac.Sum(nil))) {
			t.Errorf("%v, signature %q", err, r.Header.Get("Livepeer-Signature"))
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	defer hook.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, options{
			listen: "127.0.0.1:0", tasks: 30, key: "k", seed: 1, speed: 100, webhook: hook.URL, webhookSecret: "shared",
		}, write)
		_ = write.Close()
	}()
	told, changes := 0, 0
	for lines := bufio.NewScanner(read); lines.Scan(); {
		switch {
		case strings.Contains(lines.Text(), "webhook: 418 I'm a teapot"):
			told++
		case told > 0:
			changes++
		}
		if changes == 50 {
			cancel()
		}
	}
	if told != 1 {
		t.Errorf("told %d times what the webhook answers", told)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
