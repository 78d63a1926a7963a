// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
)

// maxLook is how many bytes of a value are looked at to tell whether it is one.
const maxLook = 256

// value is what stands beside a name.
type value struct {
	start, end int // what is masked of it
	next       int // where to go on
	quoted     bool
	bracket    bool
}

// valueOf masks the value of s, if that is a credential, and returns where to go on; 0 if there is none.
func (m *masker) valueOf(s *subject) int {
	if before := m.at(s.start - 1); before == '<' || before == ':' && m.inTag(s.start-1) {
		return m.element(s)
	} else if before == '>' && m.at(s.end) == '<' {
		return m.nextElement(s)
	}
	l := m.linkOf(s)
	if l.bond == spaced && m.at(l.value) == '{' { // variable "password" { default = "hunter2" }
		end := m.closing(l.value, l.value+maxLook)
		next := m.keyedValue(s, l.value, end)
		if next == 0 && end > 0 && s.strength >= noun && slices.ContainsFunc(strings.Fields(m.text[l.value+1:end]), mixed) { // as Go prints
			m.mask(l.value+1, end)
			next = end
		}
		return next
	}
	if l.bond == unbound {
		return 0
	}
	if l.line && l.bond == colon && m.pairFollows(l.value) { // a map of YAML
		return m.keyedValue(s, l.value, min(len(m.text), l.value+maxRecord))
	}
	v, ok := m.valueAt(s, l)
	if !ok || !m.wants(s, l, &v) {
		return 0
	}
	if l.bond == called && v.quoted && m.at(m.spaces(v.next)) == ',' { // more arguments
		if end := m.closing(l.value-1, l.value+maxLook); end > v.next && isQuote(m.text[end-1]) {
			v.end, v.next = end-1, end
		}
	}
	m.mask(v.start, v.end)
	for _, or := range []string{"|| ", "?? ", "or ", "{ "} { // what is taken if there is none
		if j := m.spaces(v.next); strings.HasPrefix(m.text[j:], or) && isQuote(m.at(m.spaces(j+len(or)))) {
			v = m.quoted(m.spaces(j + len(or)))
			m.mask(v.start, v.end)
		}
	}
	return v.next
}

// valueAt reads the value of s.
func (m *masker) valueAt(s *subject, l link) (v value, ok bool) {
	t := m.text
	i := m.decoration(l)
	if rest, found := strings.CutPrefix(t[min(i, len(t)):], Mask); found {
		end := m.bare(i+len(Mask), m.depth(i), false)
		glued := rest != "" && isNameByte(rest[0]) && rest[0] != '.'
		return value{start: i, end: end, next: end}, glued
	}
	c := m.at(i)
	n, _ := m.opening(i)
	switch {
	case c == 0, strings.HasPrefix(t[i:], UserInfoMask), l.bond == spaced && c == '<':
		return v, false
	case n > 0:
		return m.quoted(i), true
	case l.bond == paired && (c < '0' || c > '9') && c != '[' && c != '{':
		return v, false
	case l.bond > spaced && (c == '|' || c == '>') || l.line && s.strength == sure && strings.HasPrefix(t[i:], "- "):
		if v, ok = m.block(s, i); ok {
			return v, true
		}
	case c == '<' && (isLetter(m.at(i+1)) || m.at(i+1) == '/'):
		return m.behindTags(i)
	case c == '$' && m.at(i+1) == '(' && l.bond > spaced:
		if end := m.closing(i+1, i+maxElement); end > 0 {
			return value{start: i, end: end + 1, next: end + 1}, true
		}
	case c == '(' && l.bond == spaced:
		i++
	case (c == '[' || c == '{' || c == '(') && s.strength != unsure:
		end := m.closing(i, len(t))
		if end < 0 {
			end = len(t) - 1
		}
		return value{start: i, end: end + 1, next: end + 1, bracket: true}, true
	}
	v.start = i
	if l.bond > spaced && manyWords(s.word) {
		v.end = m.restOfLine(s, i)
	} else {
		v.end = m.bare(i, m.depth(l.value), l.bond == spaced)
	}
	v.next = v.end
	return v, v.end > i
}

// decoration skips what may be before a value: a cast, a tag of YAML, the prefix of a string, & and *.
func (m *masker) decoration(l link) int {
	t := m.text
	i := l.value
	for range 3 {
		for _, prefix := range section("string prefix") {
			if strings.HasPrefix(t[min(i, len(t)):], prefix) && isQuote(m.at(i+len(prefix))) {
				return i + len(prefix)
			}
		}
		c := m.at(i)
		switch {
		case l.bond == colon && (c == '!' || c == '&') && (m.at(i+1) == '!' || isLetter(m.at(i+1))), hasFold(t[min(i, len(t)):], "new "):
			j := i // a tag or an anchor of YAML
			for j < len(t) && !isSpace(t[j]) {
				j++
			}
			if m.at(j) != ' ' || j-i > maxScheme {
				return i
			}
			i = m.spaces(j)
		case c == '(', hasFold(t[min(i, len(t)):], "string("): // a cast, or as PHP dumps
			end := m.closing(strings.IndexByte(t[i:], '(')+i, i+maxScheme)
			if end < 0 || !isQuote(m.at(m.spaces(end+1))) || strings.ContainsAny(t[i:end], "\"'`") {
				return i
			}
			return m.spaces(end + 1)
		case strings.HasPrefix(t[min(i, len(t)):], "<%="):
			i = m.spaces(i + len("<%="))
		default:
			return m.converted(l, i)
		}
	}
	return i
}

// converted returns where the string begins that something is made of at i, and of nothing else, as in []byte("hunter2") or
// Buffer.from('hunter2'); i where nothing is, or where a function rather asks for the value by a name: os.Getenv("PASSWORD").
func (m *masker) converted(l link, i int) int {
	j, end := i, min(len(m.text), i+maxScheme)
	for j < end && (isNameByte(m.text[j]) || strings.IndexByte("[]*:", m.text[j]) >= 0) {
		j++
	}
	quote := m.spaces(j + 1)
	if l.bond <= spaced || j == i || m.at(j) != '(' || !isQuote(m.at(quote)) {
		return i
	}
	function := strings.ToLower(m.text[i:j])
	for _, asks := range section("asking function") {
		if strings.Contains(function, asks) {
			return i
		}
	}
	if v := m.quoted(quote); m.at(m.spaces(v.next)) != ')' { // more arguments, one of which may be it
		return i
	}
	return quote
}

// manyWords reports whether name is a header, or a list of words, whose value reaches to the end of the line.
func manyWords(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{"authorization", "authorisation", "cookie", "mnemonic", "phrase", "-signature"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
