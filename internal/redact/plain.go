// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain takes out of a text what a terminal obeys instead of showing it, so that no text can colour, hide, reorder or
// overwrite what stands beside it. Control characters (C0 save tab and line feed, DEL, C1), line and paragraph separators,
// and what turns the direction of writing become spaces. What is invisible otherwise goes: zero width spaces and joiners,
// direction marks, byte order marks, tags, fillers. Joiners stay where a script or an emoji is written with them. Bad UTF-8
// becomes U+FFFD. What is to be masked too goes through PlainText instead: a credential with something invisible in it is still one.
func Plain(s string) string {
	if strings.IndexFunc(s, changes) < 0 {
		return s
	}
	runes := []rune(s)
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range runes {
		switch {
		case r == '\t' || r == '\n':
			b.WriteRune(r)
		case obeyed(r):
			b.WriteByte(' ')
		case !invisible(r) || isJoiner(r) && joins(runes, i):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Cut shortens s to at most limit bytes, between two characters, and then ends it in "…". What is masked is masked before: half a
// credential is not recognised as one.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// PlainWriter writes texts as Plain makes them. Each call has to have whole characters.
type PlainWriter struct{ To io.Writer }

func (w PlainWriter) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.To, Plain(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// changes reports whether Plain may leave r out, or put something else in its place.
func changes(r rune) bool {
	if r >= ' ' && r < 0x7f || r == '\t' || r == '\n' {
		return false
	}
	return r == utf8.RuneError || obeyed(r) || invisible(r)
}

// obeyed reports whether r makes a terminal do something else than to show a character.
func obeyed(r rune) bool {
	turns := r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	return turns || unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// invisible reports whether r is a character that has no shape of its own. Variation selectors, which choose between two
// shapes of the character before them, are none of these, nor are the few format characters that do have a shape.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

func isJoiner(r rune) bool { return r == nonJoiner || r == joiner }

// joins reports whether the joiner at i stands between two characters that are written together, or kept apart, by it.
func joins(runes []rune, i int) bool {
	if i == 0 || i == len(runes)-1 {
		return false
	}
	before, after := runes[i-1], runes[i+1]
	return inJoiningScript(before) && inJoiningScript(after) || runes[i] == joiner && inEmoji(before) && unicode.Is(unicode.So, after)
}

// inJoiningScript reports whether r belongs to a script whose spelling has joiners.
func inJoiningScript(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsMark(r)) && !invisible(r) && unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian,
		unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
		unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar)
}

// inEmoji reports whether an emoji can go on after r: it is a symbol, a colour of skin or the choice of a coloured shape.
func inEmoji(r rune) bool {
	return unicode.Is(unicode.So, r) || r >= '\U0001f3fb' && r <= '\U0001f3ff' || r == '\ufe0f'
}
