// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestKeyNeverShows(t *testing.T) {
	key := NewKey(testKey)
	holder := struct {
		Key    Key
		hidden Key
		Ptr    *Key
	}{key, key, &key}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%08.3f", "%!"} {
		for _, v := range []any{key, &key, holder, &holder, []Key{key}, map[string]Key{"k": key}, &Client{config: Config{Key: key}}} {
			wantNoKey(t, fmt.Sprintf(verb, v))
		}
	}
	if got := fmt.Sprintf("%v %s %q %d", key, key, key, key); got != strings.TrimSpace(strings.Repeat("[redacted] ", 4)) {
		t.Errorf("printed as %s", got)
	}
	j, err := json.Marshal(map[string]any{"k": key, "holder": holder, "client": &Client{config: Config{Key: key}}})
	if err != nil {
		t.Fatal(err)
	}
	wantNoKey(t, string(j))
	text, err := key.MarshalText()
	if err != nil || string(text) != "[redacted]" {
		t.Errorf("text %s, %v", text, err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key, "holder", holder)
	wantNoKey(t, log.String())
}

func wantNoKey(t *testing.T, s string) {
	t.Helper()
	hex := fmt.Sprintf("%x", testKey)
	if strings.Contains(s, testKey) || strings.Contains(strings.ToLower(s), hex) {
		t.Errorf("the key shows: %s", s)
	}
}

func TestKeyReveal(t *testing.T) {
	if got := NewKey(" k e y\n").Reveal(); got != "k e y" {
		t.Errorf("revealed %q", got)
	}
	var zero Key
	if got := zero.Reveal(); got != "" {
		t.Errorf("the zero key is %q", got)
	}
}
