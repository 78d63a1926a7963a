// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// maskEncoded masks each word of s that shows a credential once it is percent-decoded: a whole URL that is a part of the
// path of another, for instance. A word ends where a part of a URL does.
func maskEncoded(s string) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexAny(s, urlStop+"/&?=,;")
		if end < 0 {
			end = len(s)
		}
		if word := s[:end]; hidesInside(word) {
			b.WriteString(Mask)
		} else {
			b.WriteString(word)
		}
		if end < len(s) {
			b.WriteByte(s[end])
			end++
		}
		s = s[end:]
	}
	return b.String()
}

// hidesInside reports whether percent-decoding s, once or more often, brings a credential to light.
func hidesInside(s string) bool {
	for range maxEncodings {
		decoded := percentDecode(s)
		if decoded == s {
			return false
		}
		if rules(decoded, false) != decoded {
			return true
		}
		s = decoded
	}
	return false
}

// percentDecode decodes each valid %XX of s and leaves the others.
func percentDecode(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
