// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The studio says where it is, answers there with the key it was given only, tells of changes, and ends when asked to.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, options{listen: "127.0.0.1:0", tasks: 30, key: "k", seed: 1, speed: 100, ahead: time.Hour}, write)
		_ = write.Close()
	}()
	lines := bufio.NewScanner(read)
	base := ""
	for base == "" && lines.Scan() {
		base, _ = strings.CutPrefix(lines.Text(), "URL: ")
		if base == lines.Text() {
			base = ""
		}
	}
	for range 2 { // the key and the example
		lines.Scan()
	}
	for key, want := range map[string]int{"k": http.StatusOK, "simulated-studio-api-key": http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/task", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("key %s: %d, want %d", key, res.StatusCode, want)
		}
		if date, err := http.ParseTime(res.Header.Get("Date")); err != nil || time.Until(date) < 50*time.Minute {
			t.Errorf("its clock says %v, which is not an hour ahead: %v", date, err)
		}
	}
	if !lines.Scan() || len(strings.Fields(lines.Text())) < 4 {
		t.Errorf("no change told: %q", lines.Text())
	}
	cancel()
	for lines.Scan() { // whatever it still says
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestServeRefuses(t *testing.T) {
	for _, o := range []options{{listen: "127.0.0.1:0"}, {listen: "nowhere:x", speed: 1}, {listen: "127.0.0.1:0", speed: 1, tasks: -1}} {
		if err := serve(t.Context(), o, io.Discard); err == nil {
			t.Errorf("%+v was served", o)
		}
	}
}
