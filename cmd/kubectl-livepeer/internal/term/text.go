// SPDX-License-Identifier: Apache-2.0

// Package term is what a person reads: text without anything that a terminal obeys, cut to a width, tables, bars and ages. It is
// pure, save Width and IsTerminal. It must not know what is printed.
package term

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Clean returns a text on one line without control characters, invisible format characters (which may reverse what is read)
// and broken UTF-8: names and messages come from others, and a terminal obeys what they hold.
func Clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case invisible(r):
			return -1
		}
		return r
	}, sequence.ReplaceAllString(text, ""))
	return strings.TrimSpace(text)
}

// sequence is what a terminal takes for a command with its parameters, such as a colour, of which the rest would be left.
var sequence = regexp.MustCompile(`\x1b\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]`)

// CleanLines does the same to each line, and leaves indentation and line ends.
func CleanLines(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && invisible(r) {
			return -1
		}
		return r
	}, text)
}

// What writes characters together, as in an emoji of a family, or keeps them apart, as in Persian, is a part of a name.
const nonJoiner, joiner = '\u200c', '\u200d'

func invisible(r rune) bool {
	if r == nonJoiner || r == joiner {
		return false
	}
	return r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// Columns returns how many columns of a terminal a text takes.
func Columns(text string) (n int) {
	before := rune(0)
	for _, r := range text {
		n += columns(before, r)
		before = r
	}
	return n
}

// columns is how many more r takes, behind another character.
func columns(before, r rune) int {
	kind := width.LookupRune(r).Kind()
	wide := kind == width.EastAsianWide || kind == width.EastAsianFullwidth
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me), r == joiner, r == nonJoiner, before == joiner && wide:
		return 0
	case wide:
		return 2
	}
	return 1
}

// Cut returns as much of a text as fits into so many columns, with an ellipsis where something was cut.
func Cut(text string, limit int) string {
	if Columns(text) <= limit {
		return text
	}
	if limit <= 0 {
		return ""
	}
	var kept strings.Builder
	room, before := limit-1, rune(0)
	for _, r := range text {
		if room -= columns(before, r); room < 0 {
			break
		}
		kept.WriteRune(r)
		before = r
	}
	return strings.TrimRight(kept.String(), " ") + "…"
}

// pad fills a text up to so many columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-Columns(text)))
}
