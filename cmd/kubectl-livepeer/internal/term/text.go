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

func invisible(r rune) bool {
	return r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// Columns returns how many columns of a terminal a text takes.
func Columns(text string) (n int) {
	for _, r := range text {
		n += columns(r)
	}
	return n
}

func columns(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
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
	room := limit - 1
	for _, r := range text {
		if room -= columns(r); room < 0 {
			break
		}
		kept.WriteRune(r)
	}
	return strings.TrimRight(kept.String(), " ") + "…"
}

// pad fills a text up to so many columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-Columns(text)))
}
