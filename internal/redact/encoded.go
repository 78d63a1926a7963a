// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

// encoded masks the text in base64 that begins at i if a credential is in it, and returns where to go on. Base64 within base64 is not
// decoded.
func (m *masker) encoded(i int) int {
	const shortest = 20
	t := m.Text
	if m.inner || i < m.encodedEnd {
		return i
	}
	end := i
	for end < len(t) && (view.IsAlnum(t[end]) || strings.IndexByte("+-_", t[end]) >= 0 || t[end] == '/' && i >= m.URL.End) {
		end++
	}
	m.encodedEnd = end // no byte is looked at twice
	plain := t[i:end]
	for end < len(t) && t[end] == '=' {
		end++
	}
	if len(plain) < shortest {
		return i
	}
	alphabet := base64.RawStdEncoding
	if strings.ContainsAny(plain, "-_") {
		alphabet = base64.RawURLEncoding
	}
	text, err := alphabet.DecodeString(plain)
	if err != nil || !readable(text) {
		return i
	}
	p := page.New(string(text))
	within := newMasker(&p)
	within.inner = true
	within.scan()
	if p.Apply(string(text)) == string(text) {
		return i
	}
	m.Hide(i, end)
	return end
}

// readable reports whether a person could have written text.
func readable(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(text)
}
