// SPDX-License-Identifier: Apache-2.0

package view

import (
	_ "embed"
	"strings"
	"unicode"
)

//go:embed lookalikes.txt
var lookalikesFile string

// lookalikes maps characters to the ASCII character that they look like.
var lookalikes = func() map[rune]rune {
	table := map[rune]rune{}
	for _, s := range strings.Fields(lookalikesFile) {
		pair := []rune(s)
		table[pair[0]] = pair[1]
	}
	return table
}()

// fold returns the ASCII character that r looks like, a negative number if r can't be seen, and r itself otherwise.
func fold(r rune) rune {
	switch {
	case r == unicode.ReplacementChar, r >= 'À' && r < 'ɢ': // letters of Latin, which are what they look like
		return r
	case r == 0x85, r == 0x2028, r == 0x2029:
		return '\n'
	case unicode.IsSpace(r), unicode.Is(unicode.Zs, r):
		return ' '
	case unicode.In(r, unicode.Cf, unicode.Mn, unicode.Variation_Selector): // joiners, marks, accents
		return -1
	case r >= 0xff01 && r <= 0xff5e: // full width
		return r - 0xff01 + '!'
	case r >= 0x1d400 && r <= 0x1d6a3: // mathematical letters
		return rune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(r-0x1d400)%52])
	}
	if r >= 'Ⓐ' && r <= 'ⓩ' {
		return 'a' + (r-'Ⓐ')%26
	}
	if same, ok := lookalikes[r]; ok {
		return same
	}
	return r
}

// Folded returns a word as it is in a view.
func Folded(s string) string { return strings.Map(fold, s) }
