// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// made are credentials as machines make them. The canaries of the corpora are always the same: what depends on the digits that one happens to
// have does not show with them.
var made = map[string]func(*rand.Rand) string{
	"a UUID": func(r *rand.Rand) string {
		return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.Uint32()>>16, r.Uint32()>>20, r.Uint32()>>16, r.Uint64()>>16)
	},
	"base64": func(r *rand.Rand) string { return base64.StdEncoding.EncodeToString(bytesOf(r, 32)) },
	"a secret key of Amazon's": func(r *rand.Rand) string {
		for {
			if key := base64.StdEncoding.EncodeToString(bytesOf(r, 30)); strings.Trim(key, "+/") != "" {
				return key
			}
		}
	},
	"one that begins with a slash": func(r *rand.Rand) string { return "/" + base64.StdEncoding.EncodeToString(bytesOf(r, 30))[1:] },
}

func bytesOf(r *rand.Rand, n int) []byte {
	all := make([]byte, n)
	for i := range all {
		all[i] = byte(r.Uint32())
	}
	return all
}

// TestRandomCredentials: whatever digits a credential happens to have, it does not show; but one in 20 that a path may look like.
func TestRandomCredentials(t *testing.T) {
	const tries = 200
	pairs := []string{
		"%k %", "{%k %  StaticProvider}", "credentials: %k %", "%k:%", `["%k","%"]`, `"%k", "%"`, "%k,%", "access denied for %k / %", "%k\n%",
		"s3+https://%k:%@storage.example/bucket", "s3://%k:%@us-east-1/bucket", "s3+https://%k:%@localhost:9000/bucket",
	}
	r := &Redactor{}
	random := rand.New(rand.NewPCG(1, 2))
	for kind, dresses := range map[string][]string{
		"a UUID": {
			"no token % found", "token %", "secret %", "invalid api token %", "api key %", "https://h.example/x?key=%", "https://h.example/x?token=%",
			"https://h.example/token/%", "password: %", "bearer %",
		},
		"base64": {"sse-c key %", "key: %", "key=%", "encryption key %", "storage key %", `{"key":"%"}`},
		"a secret key of Amazon's": append(pairs,
			"secret key % is wrong", "the secret access key is %", "secretAccessKey=%", "secret %"),
		"one that begins with a slash": pairs,
	} {
		for _, dress := range dresses {
			for _, around := range []string{"%s", "upload failed: %s, giving up", "%s."} {
				leaks, sample := 0, ""
				for range tries {
					credential := made[kind](random)
					text := fmt.Sprintf(around, strings.NewReplacer("%k", "AKIAIOSFODNN7EXAMPLX", "%", credential).Replace(dress))
					got, _ := r.Text(text)
					if strings.Contains(got, credential[:10]) || strings.Contains(got, credential[len(credential)-10:]) {
						leaks, sample = leaks+1, got
					}
				}
				if sure := kind == "a UUID" || strings.Contains(dress, "%k"); leaks > 0 && sure || leaks > tries/20 {
					t.Errorf("%s in %q: %d of %d leak, as in %.120q", kind, fmt.Sprintf(around, dress), leaks, tries, sample)
				}
			}
		}
	}
}

// TestPathsStay: object keys have slashes and signs, too.
func TestPathsStay(t *testing.T) {
	for _, text := range []string{
		"key: My+Holiday+Video+From/Summer+In+Rome", "key: Season1+Episode2+Title/Part3x", "key=hls/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPFG2/index",
		"no object with key uploads/2024/05/My+Clip+1080p60", "https://h.example/x?project=aac12556-4d65-4d34-9fb6-d1f0985eb0a9",
		"https://h.example/x.mp4?md5=9f86d081884c7d659a2feaa0c55ad015&t=42", "AKIAIOSFODNN in 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
		`Fields: []string{"name", "size"}`, "bob@[2001:db8::1]", "10:20@[2001:db8::1]",
	} {
		if got, changed := (&Redactor{}).Text(text); changed {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
