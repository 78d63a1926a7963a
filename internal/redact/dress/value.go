// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

var headerSchemes = words.Set("header scheme")

// restOfLine returns where the value of a header ends that begins at i: where the line does, or the quotes around it. Behind
// the name of a scheme is one word.
func (m *Masker) restOfLine(s *subject, i int) int {
	t := m.Text
	if scheme := m.NameEndAt(i); headerSchemes[strings.ToLower(t[i:scheme])] && m.At(scheme) == ' ' {
		from := m.Spaces(scheme)
		if hint, _, found := strings.Cut(t[from:min(len(t), from+page.MaxScheme)], ">"); found && words.IsNothing(hint+">") { // <API key>
			return i
		}
		if end := m.Bare(from, m.Depth(i), false); end > from {
			return end
		}
	}
	around := m.At(s.start - 1)
	if around != '"' && around != '`' || s.quote != 0 {
		around = '\''
	}
	end := i
	for end < len(t) && t[end] != '\n' && t[end] != '\r' && (t[end] != around || m.Depth(end) > m.Depth(s.start-1)) {
		end++
	}
	m.Cost += end - i
	return i + len(page.Trim(t[i:end], page.Trailing+" \t"))
}

// bracketed masks what is in the bracket at i, behind s and white space: variable "password" { default = "hunter2" }, {bob hunter2} as Go
// prints, credentials (bob, hunter2).
func (m *Masker) bracketed(s *subject, i int) int {
	end := m.Closing(i, i+page.MaxLook)
	if next := m.keyedValue(s, i, end); next > 0 || end < 0 || s.strength < words.Noun {
		return next
	}
	content := m.Text[i+1 : end]
	if m.Text[i] == '{' && content != "" && strings.IndexByte(content, ' ') < 0 && strings.HasSuffix(m.Text[:s.start], "set ") { // of Tcl
		m.Hide(i+1, end)
		return end
	}
	aside := m.Text[i] == '(' && (!strings.Contains(content, ", ") || strings.IndexByte(content, '=') >= 0)
	if aside || !slices.ContainsFunc(strings.Fields(content), words.Mixed) {
		return 0
	}
	m.Hide(i+1, end)
	return end
}

// valueOf masks the value of s, if that is a credential, and returns where to go on; 0 if there is none.
func (m *Masker) valueOf(s *subject) int {
	if before := m.At(s.start - 1); before == '<' || before == ':' && m.At(m.NameStartAt(s.start-1)-1) == '<' {
		return m.element(s)
	} else if before == '/' && m.At(s.start-2) == '<' { // what it closes was seen
		return 0
	} else if named := before == ' ' && m.At(s.end+4) == '>' && m.At(m.NameStartAt(s.start-1)-1) == '>'; m.At(s.end) == '<' &&
		(before == '>' || named && strings.IndexByte("td", m.At(s.end+2)) >= 0) { // <th>Access token</th>
		next, end := m.nextElement(s), m.TagEnd(s.end+1)
		if next > 0 || end < 0 || m.At(s.end+1) != '/' {
			return next
		}
		s.end = end + 1 // <b>Password</b>: hunter2
	}
	l := m.linkOf(s)
	if c := m.At(l.value); l.bond == spaced && (c == '{' || c == '(' && s.strength == words.Noun) {
		if next := m.bracketed(s, l.value); next > 0 || c == '{' {
			return next
		}
	}
	if l.bond == unbound {
		return 0
	}
	if l.line && l.bond == colon && m.PairFollows(l.value) && !words.IsKeyOf(s.word, words.IsAnyValue) { // a map of YAML
		return m.keyedValue(s, l.value, min(len(m.Text), l.value+maxRecord))
	}
	v, ok := m.valueAt(s, l)
	if ok && strings.IndexByte(m.Text[s.end:l.value], ',') >= 0 && m.At(m.Spaces(v.Next)) == ':' { // the next key
		return 0
	}
	l.line = l.line || ok && strings.IndexByte(m.Text[min(l.value, v.Start):v.Start], '\n') >= 0
	if !ok || !m.isUserPair(s, l, &v) && !m.wants(s, l, &v) {
		if ok && s.strength > words.Unsure && strings.Trim(m.Text[s.end:v.Start], " =:]\"'`") == "" {
			m.Hide(m.Bound(v))
		}
		return 0
	}
	if l.bond == called && v.Quoted && m.At(m.Spaces(v.Next)) == ',' { // more arguments
		if end := m.Closing(l.value-1, l.value+page.MaxLook); end > v.Next && view.IsQuote(m.Text[end-1]) {
			v.End, v.Next = end-1, end
		}
	}
	if !v.Quoted && !v.Bracket {
		v.End = m.Wrapped(v.Start, v.End)
		v.Next = max(v.Next, v.End)
	}
	m.Hide(v.Start, v.End)
	for _, or := range []string{"|| ", "?? ", "?: ", "or ", "{ ", "-> ", "=> ", "= ", "to "} { // what is taken if there is none, or instead
		j := m.Spaces(v.Next)
		if !strings.HasPrefix(m.Text[j:], or) {
			continue
		}
		w, _ := m.Word(m.Spaces(j+len(or)), true)
		if w.Quoted || j > v.Next && m.IsArrow(j) && words.IsOdd(m.Text[w.Start:w.End]) {
			v = w
			m.Hide(v.Start, v.End)
		}
	}
	return v.Next
}

// valueAt reads the value of s.
func (m *Masker) valueAt(s *subject, l link) (v page.Value, ok bool) {
	t := m.Text
	i := m.decoration(l)
	if strings.HasPrefix(t[min(i, len(t)):], `[]string{"`) && s.strength != words.Unsure {
		i += len("[]string")
	}
	if rest, found := strings.CutPrefix(t[min(i, len(t)):], page.Mask); found {
		glued := rest != "" && view.IsNameByte(rest[0]) && rest[0] != '.'
		return page.Unquoted(i, m.Bare(i+len(page.Mask), m.Depth(i), false)), glued
	}
	c := m.At(i)
	n, _ := m.Opening(i)
	switch {
	case c == 0, l.bond == unbound, strings.HasPrefix(t[i:], page.UserInfoMask):
		return v, false
	case m.isBracketed(l, i):
		if i = m.Spaces(m.Sentence(i + 1)); view.IsQuote(m.At(i)) {
			return m.Quoted(i), true
		}
	case l.bond == spaced && c == '<':
		return v, false
	case n > 0:
		return m.Quoted(i), true
	case l.bond == paired && (c < '0' || c > '9') && c != '[' && c != '{':
		return v, false
	case l.bond > spaced && (c == '|' || c == '>'),
		l.line && (s.strength == words.Sure && strings.HasPrefix(t[i:], "- ") || m.PairFollows(i)):
		if v, ok = m.Block(s.start, i); ok {
			return v, true
		}
	case c == '<' && (view.IsLetter(m.At(i+1)) || m.At(i+1) == '/'):
		return m.BehindTags(i)
	case c == '$' && m.At(i+1) == '(' && l.bond > spaced:
		if end := m.Closing(i+1, i+page.MaxElement); end > 0 {
			return page.Unquoted(i, end+1), true
		}
	case (c == '[' || c == '{' || c == '(') && s.strength != words.Unsure:
		end := m.Closing(i, len(t))
		if end < 0 {
			end = len(t) - 1
		}
		return page.Value{Start: i, End: end + 1, Next: end + 1, Bracket: true}, true
	}
	if l.bond > spaced && words.ManyWords(s.word) {
		v = page.Unquoted(i, m.restOfLine(s, i))
	} else {
		v = page.Unquoted(i, m.Bare(i, m.Depth(l.value-1), l.bond == spaced))
	}
	return v, v.End > i
}

// isBracketed reports whether the bracket at i is only around a value: password (hunter2), API key [hunter2], <hunter2>.
func (m *Masker) isBracketed(l link, i int) bool {
	switch c := m.At(i); {
	case l.bond == spaced && c == '(':
		return true
	case c == '<', l.bond <= spaced && c == '[', l.bond == unbound && c == '{':
		end := m.Bare(i+1, m.Depth(i), true)
		return (m.At(end) == c+2 || end == len(m.Text)) && words.Mixed(m.Text[i+1:end]) // which may be cut off
	}
	return false
}

// decoration skips what may be before a value: a cast, a tag of YAML, the prefix of a string, & and *.
func (m *Masker) decoration(l link) int {
	t := m.Text
	i := l.value
	for range 3 {
		for _, prefix := range words.List("string prefix") {
			if strings.HasPrefix(t[min(i, len(t)):], prefix) && view.IsQuote(m.At(i+len(prefix))) {
				return i + len(prefix)
			}
		}
		c := m.At(i)
		switch {
		case (l.bond == colon || strings.HasPrefix(t[max(0, i-2):], ": ")) &&
			(c == '!' || c == '&') && (m.At(i+1) == '!' || view.IsLetter(m.At(i+1))),
			view.HasFold(t[min(i, len(t)):], "new "),
			strings.HasPrefix(t[min(i, len(t)):], "0x") && view.IsQuote(m.At(m.Spaces(m.NameEndAt(i)))): // of a debugger
			j := i // a tag or an anchor of YAML
			for j < len(t) && !view.IsSpace(t[j]) && t[j] != ',' {
				j++
			}
			if m.At(j) != ' ' || j-i > page.MaxScheme {
				return i
			}
			if (c == '!' || c == '&') && words.Mixed(t[i:j]) { // or the value itself: !Winter2024 is wrong
				m.Hide(i, j)
			}
			i = m.Spaces(j)
		case c == '(', view.HasFold(t[min(i, len(t)):], "string("): // a cast, or as PHP dumps
			end := m.Closing(strings.IndexByte(t[i:], '(')+i, i+page.MaxScheme)
			next := m.Spaces(end + 1)
			if size := m.Closing(next, next+page.MaxScheme); m.At(next) == '(' && size > 0 { // (string) (len=7) "hunter2"
				next = m.Spaces(size + 1)
			}
			if end < 0 || !view.IsQuote(m.At(next)) || strings.ContainsAny(t[i:end], "\"'`") ||
				words.Mixed(strings.Trim(t[i:end], "string( *")) {
				return i
			}
			return next
		case strings.HasPrefix(t[min(i, len(t)):], "<%="):
			i = m.Spaces(i + len("<%="))
		default:
			if l.bond > spaced {
				return m.Converted(i)
			}
			return i
		}
	}
	return i
}

// parameters returns where what is at i ends and comes before the value of s: the parameters of a command of PowerShell
// (ConvertTo-SecureString -String "hunter2"), the index that R prints ($password [1] "hunter2").
func (m *Masker) parameters(s *subject, i int) int {
	if j := m.Spaces(i); m.At(s.start-1) == '$' && m.At(j) == '[' && m.At(i) == '\n' {
		if end := m.NameEndAt(j + 1); m.At(end) == ']' {
			return end + 1
		}
	}
	if view.HasFold(s.word, "convertto-") {
		for j := m.Spaces(i); m.At(j) == '-' && view.IsLetter(m.At(j+1)); j = m.Spaces(i) {
			i = m.NameEndAt(j)
		}
	}
	return i
}
