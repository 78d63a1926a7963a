// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"
)

// Lower returns a letter in lower case, a digit as it is, and 0 for all else.
func Lower(c byte) byte { return lowers[c] }

var lowers = func() (table [256]byte) {
	for c := range 256 {
		if b := byte(c); b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' {
			table[b] = b | 0x20
		}
	}
	return table
}()

// Alphabet is the letters of ASCII.
const Alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// IsDigits reports whether s consists of digits, and of at least one.
func IsDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// IsAlnum reports whether c is a letter or a digit.
func IsAlnum(c byte) bool { return Lower(c) != 0 }

// IsLetter reports whether c is a letter.
func IsLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// IsUpper reports whether c is a letter in upper case.
func IsUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// HasFold reports whether s begins with prefix, which is in lower case.
func HasFold(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if c := s[i]; c != prefix[i] && Lower(c) != prefix[i] {
			return false
		}
	}
	return true
}

// IsNameByte reports whether c may be in a name.
func IsNameByte(c byte) bool {
	return Lower(c) != 0 || c == '_' || c == '-' || c == '.' || c >= 0x80
}

// IsQuote reports whether c is a quote.
func IsQuote(c byte) bool {
	return c == '"' || c == '\'' || c == '`'
}

// SetOf returns the set of some bytes.
func SetOf(chars string) *[256]bool {
	var set [256]bool
	for i := range len(chars) {
		set[chars[i]] = true
	}
	return &set
}

// IsSpace reports whether c is white space.
func IsSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// PairOf returns an index for the first two bytes of what begins with a letter, the same for upper and lower case.
func PairOf(a, b byte) int {
	return int(a&31)<<5 | int(b&31)
}

// CutAny cuts s at the first byte that is one of chars.
func CutAny(s, chars string) (before, after string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}
