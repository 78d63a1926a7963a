// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
)

const (
	maxRecord  = 256 // bytes between a name and its value
	maxElement = 4096
)

// inTag reports whether the colon at i is the one of a namespace in a tag.
func (m *masker) inTag(i int) bool {
	from := i
	for i > 0 && from-i < maxScheme && isAlnum(m.text[i-1]) {
		i--
	}
	return i < from && m.at(i-1) == '<'
}

// tagEnd returns where the tag ends that i is in; -1 if it doesn't.
func (m *masker) tagEnd(i int) int {
	for j := i; j < len(m.text) && j-i < maxRecord && m.text[j] != '<'; j++ {
		m.cost++
		if m.text[j] == '>' {
			return j
		}
	}
	return -1
}

// element masks the content of the element of which s is the tag.
func (m *masker) element(s *subject) int {
	end := m.tagEnd(s.end)
	if next := m.keyedValue(s, s.end, end); next > 0 { // <password value="hunter2">
		return next
	}
	if end < 0 || m.text[end-1] == '/' {
		return 0
	}
	return m.content(s, end+1)
}

// nextElement masks the content of the element after the one that s is the content of: <key>password</key><string>hunter2</string>
func (m *masker) nextElement(s *subject) int {
	i := s.end
	opened := false
	for range 4 {
		end := m.tagEnd(i + 1)
		if m.at(i) != '<' || end < 0 {
			break
		}
		opened = opened || m.text[i+1] != '/'
		i = m.spaces(end + 1)
	}
	if !opened || s.strength == unsure {
		return 0
	}
	return m.content(s, i)
}

// content masks the content of an element that begins at i.
func (m *masker) content(s *subject, i int) int {
	t := m.text
	from := m.spaces(i)
	end := m.closed(from, "<", escaped)
	if m.at(end) == '<' && m.at(end+1) != '/' && s.strength > unsure { // more elements in it
		rest := t[end:min(len(t), end+maxElement)]
		n := strings.Index(rest, "</"+s.word)
		if n < 0 {
			n = strings.Index(rest, "</")
		}
		m.cost += len(rest)
		if n < 0 { // no element, but a placeholder
			return 0
		}
		end += n
	}
	text := strings.TrimRight(t[from:end], " \t\r\n")
	v := value{start: from, end: from + len(text), next: end}
	if text == "" || strings.HasPrefix(text, Mask) || end == len(t) && !mixed(text) || s.strength == unsure && isID(text) ||
		!m.wants(s, link{bond: assigned}, &v) {
		return 0
	}
	m.mask(v.start, v.end)
	return end
}

// behindTags reads a value that is behind tags of its own: <b>Password:</b> hunter2
func (m *masker) behindTags(i int) (v value, ok bool) {
	for range 3 {
		end := m.tagEnd(i + 1)
		if m.at(i) != '<' || end < 0 {
			break
		}
		ok = ok || m.at(i+1) == '/'
		i = m.spaces(end + 1)
	}
	end := m.bare(i, m.depth(i), false)
	return value{start: i, end: end, next: end}, end > i && (ok || m.at(end) == '<')
}

// record masks the value that belongs to s where s itself is the value of something called name: {"name": "password",
// "value": "hunter2"}, in any order and syntax, and <entry key="password">hunter2</entry>. It returns where to go on, 0 if s
// is no such name.
func (m *masker) record(s *subject) int {
	t := m.text
	key := m.keyBefore(s.start)
	if key < 0 || s.quote == 0 && strings.IndexByte(s.word, '.') >= 0 {
		return 0
	}
	end := s.end
	for end < len(t) && end-s.end < maxRecord && !m.recordEnds(end) {
		end++
	}
	next := m.keyedValue(s, s.end, end)
	if q := s.end + 1; next == 0 && s.quote != 0 && m.at(q) == '\n' { // a part of a form
		v := value{start: m.spaces(q)}
		v.end = m.closed(v.start, "\n", escaped)
		v.next = v.end
		if strings.Count(t[q:v.start], "\n") > 1 && m.wants(s, link{bond: assigned}, &v) {
			m.mask(v.start, v.end)
			return v.next
		}
	}
	if next == 0 && m.at(end) == '>' && t[end-1] != '/' && s.quote != 0 {
		next = m.content(s, end+1)
	}
	start := key
	for start > 0 && key-start < maxRecord && !m.recordEnds(start-1) && t[start-1] != '{' {
		start--
	}
	m.cost += end - start
	if next == 0 && m.keyedValue(s, start, key) > 0 {
		return s.end
	}
	return next
}

// recordEnds reports whether a record ends at i.
func (m *masker) recordEnds(i int) bool {
	switch m.text[i] {
	case '}', '<', '>', ';':
		return true
	case '\n':
		next := strings.TrimLeft(m.text[i+1:min(len(m.text), i+maxAside)], " \t")
		return next != "" && (next[0] == '-' || next[0] == '\n')
	}
	return false
}

// keyBefore returns where the key begins that what is at i is the value of, if that is something like name; -1 otherwise.
func (m *masker) keyBefore(i int) int {
	t := m.text
	before := t[max(0, i-maxAside):i]
	key := strings.TrimRight(before, "\"'` ")
	operator := strings.TrimRight(key, ":=>")
	if len(operator) == len(key) || len(before)-len(key) > 4 {
		return -1
	}
	end := i - len(before) + len(strings.TrimRight(operator, "\"'` "))
	start := end
	for start > 0 && end-start < maxAside && isNameByte(t[start-1]) {
		start--
	}
	m.cost += i - start
	if start == end || !isKeyOf(t[start:end], isAnyName) {
		return -1
	}
	return start
}

// keyedValue masks the value of something called value between from and to, if that is a credential named s. It returns
// where to go on, 0 if there is none.
func (m *masker) keyedValue(s *subject, from, to int) int {
	for i := from; i < to; i++ {
		end := m.nameEndAt(i)
		if end > i && isKeyOf(m.text[i:end], isAnyValue) {
			key := subject{start: i, end: end, word: m.text[i:end], strength: s.strength}
			if q := m.at(i - 1); isQuote(q) && m.at(end) == q {
				key.quote = q
			}
			if l := m.linkOf(&key); l.bond == colon || l.bond == assigned {
				l.bond = assigned
				if v, ok := m.valueAt(&key, l); ok && m.wants(s, l, &v) {
					m.mask(v.start, v.end)
					return v.next
				}
			}
		}
		i = end
	}
	return 0
}

// valueBefore masks what is called s behind it: "hunter2" is the password.
func (m *masker) valueBefore(s *subject) {
	i := s.start
	back := func() string { // the word before
		for i > 0 && m.text[i-1] == ' ' {
			i--
		}
		end := i
		for i > 0 && end-i < maxAside && !isSpace(m.text[i-1]) {
			i--
		}
		return m.text[i:end]
	}
	word := strings.ToLower(back())
	for n := 0; n < 2 && slices.Contains(section("whose"), word); n++ {
		word = strings.ToLower(back())
	}
	if word != "is" && word != "as" && word != "was" {
		return
	}
	text := strings.Trim(back(), "\"'`,;:()")
	m.cost += s.start - i
	start := i + strings.Index(m.text[i:s.start], text)
	if !strings.HasPrefix(text, Mask) && mixed(text) && (s.strength == sure || opaque(text)) {
		m.mask(start, start+len(text))
	}
}
