// SPDX-License-Identifier: Apache-2.0

package view

import (
	"html"
	"strings"
	"unicode/utf8"
)

const (
	// maxRounds is how often a text is decoded.
	maxRounds = 4
	// Escaped marks, in a layer, what a backslash or an entity stood for: unlike a percent sign, those also stand
	// around a value and not only in it.
	Escaped = 0x80
)

// View is a text as the rules see it: with percent signs, backslashes and entities decoded as often as they were put in,
// without what nobody sees, and in ASCII where a character only looks different. Each byte knows where it came from.
type View struct {
	Text  string
	start []int32 // where each byte begins in the original; nil: the text is the original
	layer []uint8 // how often each byte was decoded
	size  int     // of the original
}

// Origin returns where the byte at i comes from.
func (v *View) Origin(i int) int {
	switch {
	case v.start == nil:
		return i
	case i >= len(v.start):
		return v.size
	}
	return int(v.start[i])
}

func (v *View) layerOf(i int) uint8 {
	if i < 0 || i >= len(v.layer) {
		return 0
	}
	return v.layer[i]
}

// Depth returns how often the byte at i was decoded.
func (v *View) Depth(i int) uint8 { return v.layerOf(i) &^ Escaped }

// IsEscaped reports whether the byte at i stood behind a backslash or was an entity.
func (v *View) IsEscaped(i int) bool { return v.layerOf(i)&Escaped != 0 }

// Of returns the view of s.
func Of(s string) View {
	v := View{Text: s, size: len(s)}
	for range maxRounds {
		if !v.decode() {
			break
		}
	}
	return v
}

// decode decodes what is encoded, once, and reports whether anything was.
func (v *View) decode() bool {
	t := v.Text
	var next View
	done := 0
	var text []byte
	for i := 0; i < len(t); {
		if !marks[t[i]] {
			i++
			continue
		}
		n, r := v.escape(i)
		if n == 0 {
			i++
			continue
		}
		if text == nil {
			text, next.start, next.layer = make([]byte, 0, len(t)), make([]int32, 0, len(t)), make([]uint8, 0, len(t))
		}
		text = v.keep(&next, text, done, i)
		layer := v.layerOf(i)
		switch t[i] {
		case '%':
			layer = v.Depth(i) + 1
		case '\\', '&':
			layer = max(v.Depth(i), v.Depth(i+n-1)) + 1 | Escaped // the latter of what was made an entity later
		}
		before := len(text)
		switch {
		case r < 0: // nothing to be seen
		case t[i] == '%' && n == len("%00"):
			text = append(text, byte(r)) //nolint:gosec // of two digits
		default:
			text = utf8.AppendRune(text, r)
		}
		for range len(text) - before {
			next.start, next.layer = append(next.start, int32(v.Origin(i))), append(next.layer, layer) //nolint:gosec // texts are short
		}
		i += n
		done = i
	}
	if text == nil {
		return false
	}
	next.Text = string(v.keep(&next, text, done, len(t)))
	next.size = v.size
	*v = next
	return true
}

// keep adds what is from start to end to next, and to its text so far.
func (v *View) keep(next *View, text []byte, start, end int) []byte {
	for i := start; i < end; i++ {
		next.start, next.layer = append(next.start, int32(v.Origin(i))), append(next.layer, v.layerOf(i)) //nolint:gosec // texts are short
	}
	return append(text, v.Text[start:end]...)
}

// marks are the bytes that something encoded may begin with.
var marks = func() (table [256]bool) {
	for c := range table {
		control := c < ' ' && c != '\n' && c != '\t' || c == 0x7f
		table[c] = control || c >= utf8.RuneSelf || strings.ContainsRune("%\\&\"'", rune(c))
	}
	return table
}()

// escape returns how many bytes at i encode one character, and which; 0 if they encode none, and a negative character
// if it can't be seen. A backslash escapes no quote that was not escaped along with it.
func (v *View) escape(i int) (n int, r rune) {
	t := v.Text[i:]
	switch c := t[0]; {
	case c == '%':
		if n, r = number(t, 1, 2, 16); n == 0 && strings.HasPrefix(t, "%u") {
			n, r = number(t, 2, 4, 16)
		}
		return n, r
	case c == '\\':
		n, r = backslash(t)
		if n == 2 && !IsLetter(t[1]) && strings.IndexByte("=:'", t[1]) < 0 && v.Depth(i+1) < v.Depth(i) {
			return 0, 0
		}
		return n, r
	case c == '&':
		return entity(t)
	case c == '"' || c == '\'':
		return glue(v.Text, i), -1
	case c == 0x1b:
		return terminal(t), -1
	case c == '\r':
		if strings.HasPrefix(t, "\r\n") { // ends one line
			return 2, '\n'
		}
		return 0, 0
	case c == '\v', c == '\f', c >= 0x1c && c < ' ':
		return 1, ' '
	case c < utf8.RuneSelf:
		return 1, -1
	}
	r, n = utf8.DecodeRuneInString(t)
	if folded := fold(r); folded != r {
		return n, folded
	}
	return 0, 0
}

// number reads a number of count digits at t[from:], and returns where it ends; 0 if there is none.
func number(t string, from, count int, base rune) (end int, r rune) {
	if len(t) < from+count {
		return 0, 0
	}
	for i := from; i < from+count; i++ {
		digit := rune(Lower(t[i]))
		switch {
		case digit >= 'a':
			digit -= 'a' - 10
		case digit == 0: // no letter, and no digit
			return 0, 0
		default:
			digit -= '0'
		}
		if digit >= base {
			return 0, 0
		}
		r = r*base + digit
	}
	return from + count, r & utf8.MaxRune
}

// backslash decodes an escape as JSON, JavaScript, C and Python have them.
func backslash(t string) (n int, r rune) {
	if len(t) < 2 {
		return 0, 0
	}
	switch t[1] {
	case 'n', 'r':
		if strings.HasPrefix(t, `\r\n`) {
			return 4, '\n'
		}
		return 2, '\n'
	case 't':
		return 2, '\t'
	case '"', '\'', '`', '\\', '/', '=', ':':
		return 2, rune(t[1])
	case 'U':
		return number(t, 2, 8, 16)
	case 'u', 'x':
		if len(t) > 2 && t[2] == '{' {
			if end := strings.IndexByte(t[:min(len(t), 11)], '}'); end > 3 {
				if n, r = number(t, 3, end-3, 16); n > 0 {
					n++
				}
				return n, r
			}
		}
		if t[1] == 'x' {
			return number(t, 2, 2, 16)
		}
		return number(t, 2, 4, 16)
	case '0', '1':
		return number(t, 1, 3, 8)
	case '\n': // the line goes on
		return 2, -1
	}
	if IsLetter(t[1]) { // as shells have it
		return 2, rune(t[1])
	}
	return 0, 0
}

// entity decodes an entity of HTML.
func entity(t string) (n int, r rune) {
	const longest = 12
	for n = 1; n < len(t) && n < longest && (IsAlnum(t[n]) || t[n] == '#'); n++ {
		if n > 2 && t[1] == '#' && strings.IndexByte("0123456789abcdefABCDEF", t[n]) < 0 {
			break
		}
	}
	if n < len(t) && t[n] == ';' {
		n++
	} else if n < 4 || t[1] != '#' {
		return 0, 0
	}
	if decoded := html.UnescapeString(t[:n]); decoded != t[:n] && utf8.RuneCountInString(decoded) == 1 {
		r, _ = utf8.DecodeRuneInString(decoded)
		return n, r
	}
	return 0, 0
}

// glue returns the length of what glues two pieces of a name at i, as in "pass" + "word"; 0 if nothing does.
func glue(t string, i int) int {
	inName := func(i int) bool { return i >= 0 && i < len(t) && (IsAlnum(t[i]) || t[i] == '=') }
	plus := strings.TrimLeft(t[i+1:], " ")
	if !inName(i-1) || !strings.HasPrefix(plus, "+") {
		return 0
	}
	if next := len(t) - len(strings.TrimLeft(plus[1:], " ")); next < len(t) && t[next] == t[i] && inName(next+1) {
		return next + 1 - i
	}
	return 0
}

// terminal returns the length of the sequence that colours a terminal at the beginning of t.
func terminal(t string) int {
	n := 1
	if n < len(t) && t[n] == '[' {
		for n++; n < len(t) && n < 16 && (t[n] < '@' || t[n] > '~'); n++ {
		}
		return min(n+1, len(t))
	}
	return n
}
