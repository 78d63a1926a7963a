// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"testing"
)

// TestTextsInBase64: one with a credential is masked, in whatever it comes, and any other stays.
func TestTextsInBase64(t *testing.T) {
	for text, masked := range map[string]bool{
		"password=Winter2024!": true, "user: bob\npassword: Winter2024!\n": true, `[{"password":"Winter2024!"}]`: true,
		"{\r\n \"password\": \"Winter2024!\"\r\n}": true, "Authorization: Bearer abcDEF123ghi": true,
		"https://bob:Winter2024!@up.example.com/a.mp4": true, `{"storage":{"url":"s3+https://AK:Winter2024@h.example/b"}}`: true,
		"hello world, this is harmless text": false, "https://example.com/videos/2026/a.mp4": false, `[{"name":"My Video","width":1280}]`: false,
		`{"id":"09f8b46c-61a0-4254-9875-f71f4c605bc7","n":5}`: false,
	} {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			in := encoding.EncodeToString([]byte(text))
			for _, around := range [][2]string{{"", ""}, {"config ", " is invalid"}, {`{"a":"`, `"}`}, {"https://h.example/x?config=", "&b=1"}} {
				want := in
				if masked {
					want = Mask
				}
				got, _ := (&Redactor{}).Text(around[0] + in + around[1])
				isParam := around[1] == "&b=1" // of which any that looks like a credential is masked
				if want = around[0] + want + around[1]; got != want && (masked || !isParam) {
					t.Errorf("%q in base64: %q becomes %q", text, around[0]+in+around[1], got)
				}
			}
		}
	}
}
