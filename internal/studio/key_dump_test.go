// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"encoding/base64"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"text/template"

	"github.com/onsi/gomega/format"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// TestKeyIsNotDumped: printers that follow every pointer and every unexported field find no key, neither in a Key nor in
// what is made of one, and a panic with any of them doesn't tell it.
func TestKeyIsNotDumped(t *testing.T) {
	cfg := Config{BaseURL: "https://livepeer.studio/api", Key: NewKey(testKey), Redactor: redact.New(testKey)}
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range []any{cfg, &cfg, cfg.Key, &cfg.Key, client, client.NewPass(Query{}), cfg.Redactor, *cfg.Redactor} {
		var templated strings.Builder
		if err := template.Must(template.New("").Parse("{{.}}")).Execute(&templated, v); err != nil {
			t.Fatal(err)
		}
		for _, shown := range []string{format.Object(v, 1), templated.String(), panicked(v), fmt.Sprintf("%+v %#v", v, v)} {
			wantNoKey(t, shown)
			if strings.Contains(shown, base64.StdEncoding.EncodeToString([]byte(testKey))[:20]) {
				t.Errorf("the key shows in base64: %s", shown)
			}
		}
	}
}

// panicked returns what a handler of panics logs of a panic with v.
func panicked(v any) (shown string) {
	defer func() {
		r := recover()
		shown = fmt.Sprintf("%v [recovered] %+v %#v\n%s", r, r, r, debug.Stack())
	}()
	panic(v)
}
