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
	case r >= 0 && r < 1<<16:
		switch c := folds[r]; c {
		case 0:
			return r
		case unseen:
			return -1
		default:
			return rune(c)
		}
	case r >= 0x1f200 && r < 0x40000: // emoji, and more Chinese characters, as most are
		return r
	}
	return judged(r)
}

// unseen stands in folds for a character that can't be seen.
const unseen = 1

// folds has what fold returns for the characters of two bytes, 0 for those that stay: looking them up in the tables of Unicode each time
// takes as long as all that is done with them later.
var folds = func() *[1 << 16]uint8 {
	var table [1 << 16]uint8
	note := func(r rune) {
		if folded := judged(r); folded < 0 {
			table[r] = unseen
		} else if folded != r {
			table[r] = uint8(folded)
		}
	}
	ranges := []unicode.Range16{{Lo: 0x80, Hi: 0x9f, Stride: 1}, {Lo: 'Ⓐ', Hi: 'ⓩ', Stride: 1}, {Lo: 0xff01, Hi: 0xff5e, Stride: 1}}
	for _, set := range append(invisible, unicode.Zs, unicode.White_Space) {
		ranges = append(ranges, set.R16...)
	}
	for _, of := range ranges {
		for r := rune(of.Lo); r <= rune(of.Hi); r += rune(of.Stride) {
			note(r)
		}
	}
	for r := range lookalikes {
		note(r)
	}
	return &table
}()

// invisible are the characters without a shape: joiners, marks, accents, fillers.
var invisible = []*unicode.RangeTable{unicode.Cf, unicode.Mn, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point}

// judged is fold for any character.
func judged(r rune) rune {
	switch {
	case r == unicode.ReplacementChar, r >= 'À' && r < 'ɢ': // letters of Latin, which are what they look like
		return r
	case r == 0x85, r == 0x2028, r == 0x2029:
		return '\n'
	case unicode.IsSpace(r), unicode.Is(unicode.Zs, r):
		return ' '
	case r >= 0x80 && r < 0xa0, unicode.In(r, invisible...): // the former are control characters
		return -1
	case r >= 0xff01 && r <= 0xff5e: // full width
		return r - 0xff01 + '!'
	case r >= 0x1d400 && r <= 0x1d6a3: // mathematical letters
		return rune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(r-0x1d400)%52])
	}
	if r >= 'Ⓐ' && r <= 'ⓩ' {
		return 'a' + (r-'Ⓐ')%26
	}
	for _, first := range "🄰🅐🅰" {
		if r >= first && r < first+26 {
			return 'a' + r - first
		}
	}
	if same, ok := lookalikes[r]; ok {
		return same
	}
	return r
}

// Folded returns a word as it is in a view.
func Folded(s string) string { return strings.Map(fold, s) }
