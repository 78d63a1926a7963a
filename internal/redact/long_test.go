// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestALongSecret takes no more memory than a short one, for each of thousands of sources. It is masked whole where it occurs as it is; encoded
// or cut off, no end of it is left.
func TestALongSecret(t *testing.T) {
	var b strings.Builder
	for n := 0; b.Len() < 4096; n++ {
		sum := sha256.Sum256(fmt.Append(nil, n))
		b.WriteString(base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	secret := b.String()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := New(secret)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > 256<<10 {
		t.Errorf("it takes %d KiB", took>>10)
	}
	if got, _ := r.Text("refused: " + secret + " (403)"); got != "refused: "+Mask+" (403)" {
		t.Errorf("%.100q", got)
	}
	for name, text := range map[string]string{
		"base64": base64.StdEncoding.EncodeToString([]byte(secret)), "hexadecimal": hex.EncodeToString([]byte(secret)),
		"upper case": strings.ToUpper(secret), "its beginning": secret[:1000], "its end": secret[3000:],
	} {
		got, _ := r.Text("refused: " + text + " (403)")
		first, last := text[:60], text[len(text)-60:]
		if name == "its beginning" {
			last = first
		}
		if name == "its end" {
			first = last
		}
		if strings.Contains(got, first) || strings.Contains(got, last) {
			t.Errorf("%s: %.200q", name, got)
		}
	}
	runtime.KeepAlive(r)
}
