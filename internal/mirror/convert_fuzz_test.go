// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

func FuzzConvert(f *testing.F) {
	const secret = "Kn0wnS3cr3tValue"
	f.Add(referenceTask(f))
	f.Add([]byte(`{"id":"A","status":{"progress":0.29,"errorMessage":"x ` + secret + `"},"createdAt":1e3}`))
	f.Add([]byte(`{"id":"A","type":"\u202e","params":{"upload":{"url":"https://h/%E2%80%8B\u009b"},"clip":{"clipStrategy":{"startTime":0.5}}}}`))
	for _, c := range credentialPlaces {
		f.Add([]byte(`{"id":"A",` + fmt.Sprintf(c.raw, secret) + `}`))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := redact.New(secret)
		o, err := Convert(raw, r)
		if err != nil {
			if bad := (*BadTaskError)(nil); !errors.As(err, &bad) || o != nil {
				t.Fatalf("%v, %v", o, err)
			}
			return
		}
		spec, err := json.Marshal(o.Spec)
		if err != nil {
			t.Fatal(err)
		}
		status, err := json.Marshal(o.Status)
		if err != nil {
			t.Fatal(err)
		}
		if len(spec) > maxSection || len(status) > maxSection {
			t.Fatalf("%d and %d bytes", len(spec), len(status))
		}
		if !strings.Contains(o.ID, secret) && (bytes.Contains(spec, []byte(secret)) || bytes.Contains(status, []byte(secret))) {
			t.Fatalf("the secret is in %s or %s", spec, status)
		}
		if o.ID == "" || o.Spec.ID != o.ID || len(o.Status.Conditions) == 0 {
			t.Fatalf("%+v", o)
		}
		for _, text := range leaves(t, map[string]any{"params": o.Spec.Params, "status": o.Status}) {
			if text != redact.Plain(text) {
				t.Fatalf("%q is not plain", text)
			}
		}
		var back v1alpha1.LivepeerTaskStatus
		if err := json.Unmarshal(status, &back); err != nil {
			t.Fatalf("%s: %v", status, err)
		}
		again, err := Convert(raw, r)
		if diff := cmp.Diff(o, again); err != nil || diff != "" {
			t.Fatalf("not deterministic: %v %s", err, diff)
		}
	})
}

func FuzzNames(f *testing.F) {
	f.Add("09F8B46C-61A0-4254-9875-F71F4C605BC7", "a.-b")
	f.Add("", strings.Repeat("x.", 200))
	f.Fuzz(func(t *testing.T, a, b string) {
		checkNames(t, a, b)
	})
}
