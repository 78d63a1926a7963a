// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"strings"
	"testing"
)

// hostile are shapes that, repeated, made masking slow, or could.
var hostile = []string{
	"?a=b#", "?a=b ", "?a=b", "&a=b", "a:b@c ", "a:b@", "@a:b", "key:[", "key={ ", "key=[{", "token=", "token: ", `"`, `'`, "`", `\`, `\"`, `"\`,
	"[", "]", "{", "}", "[{", "(", "<", "<a>", "<token>", "</", "%", "%25", "%2525", "%3D", "a%3Db ", "%40a:b ", "://", "a://", "a://b:", "a://b@",
	"https://u:p@h/?t=x ", "eyJ", "eyJabcdefgh.", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "data:,", "data:a/b,c ", "bearer ", "Bearer a1b2c3 ",
	"--password ", "--password x ", "-u a:b ", "password is ", "key ", "password", "password:\n", "password: |\n ", "AKIA", "AKIAIOSFODNN7EXAMPLE ",
	"Cookie: a; ", "authorization: basic ", "[redacted]", "***:***@", "a", " ", "\n", "0", "a1", "=", ":", ";", ",", "\x00", "\xff", "\u00e9",
	"&#", "&#61;", "&quot;", `\u0022`, `\x`, "/", "//", "a/", "rtmp://h/live/", "srt://h?streamid=", "{\"a\":", "{\"name\":\"password\",", "[\"a\",",
	"Kn0wnS3cr3tValu", "Kn0wnS3cr3tValue", "aaaaaaaaaaaaaaaa",
}

func BenchmarkHostile(b *testing.B) {
	r := New(known, strings.Repeat("a", 40))
	for _, shape := range hostile {
		for _, size := range []int{8, 16, 32, 64} {
			text := strings.Repeat(shape, size<<10/len(shape))
			b.Run(fmt.Sprintf("%q/%dKiB", shape, size), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					r.Text(text)
				}
			})
		}
	}
}

// TestHostileTextIsBounded: a text that would take long is masked whole, and what people write is not.
func TestHostileTextIsBounded(t *testing.T) {
	for _, shape := range []string{"?a=b#", "?a=b ", "a:b@c ", "key:[", "key={ ", "a://b@"} {
		if got, changed := New().Text(strings.Repeat(shape, 64<<10/len(shape))); got != Mask || !changed {
			t.Errorf("%q becomes %d bytes", shape, len(got))
		}
	}
	log := strings.Repeat("[libx264 @ 0x5581] frame=10 fps=25 q=28.0 size=256KiB time=00:00:10.00 bitrate=209.7kbits/s\n", 100)
	if got, changed := New().Text(log); got != log || changed {
		t.Errorf("a log of %d bytes becomes %d", len(log), len(got))
	}
}
