// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

const maxRecord = 256 // bytes between a name and its value

// element masks the content of the element of which s is the tag.
func (m *Masker) element(s *subject) int {
	end := m.TagEnd(s.end)
	if next := m.keyedValue(s, s.end, end); next > 0 { // <password value="hunter2">
		return next
	}
	if end < 0 || m.Text[end-1] == '/' || strings.IndexByte(s.word, ' ') >= 0 { // the latter is a placeholder
		return 0
	}
	return m.content(s, end+1)
}

// nextElement masks the content of the element after the one that s is the content of: <key>password</key><string>hunter2</string>
func (m *Masker) nextElement(s *subject) int {
	i := s.end
	opened := false
	for range 4 {
		end := m.TagEnd(i + 1)
		if m.At(i) != '<' || end < 0 {
			break
		}
		if opened = opened || m.Text[i+1] != '/'; view.HasFold(m.Text[i:], "<th") { // the head of the next column
			return 0
		}
		i = m.Spaces(end + 1)
	}
	if !opened || s.strength == words.Unsure {
		return 0
	}
	return m.content(s, i)
}

// content masks the content of an element that begins at i.
func (m *Masker) content(s *subject, i int) int {
	t := m.Text
	from := m.Spaces(i)
	end := m.Closed(from, "<", view.Escaped)
	if m.At(end) == '<' && m.At(end+1) != '/' && s.strength > words.Unsure { // more elements in it
		rest := t[end:min(len(t), end+page.MaxElement)]
		n := strings.Index(rest, "</"+s.word)
		if n < 0 {
			n = strings.Index(rest, "</")
		}
		m.Cost += len(rest)
		if n < 0 { // no element, but a placeholder
			return 0
		}
		end += n
	}
	text := strings.TrimRight(t[from:end], " \t\r\n")
	if end == len(t) && !words.Mixed(text) {
		return 0
	}
	return m.hideIf(s, page.Value{Start: from, End: from + len(text), Next: end})
}

// record masks the value that belongs to s where s itself is the value of something called name: {"name": "password",
// "value": "hunter2"}, in any order and syntax, and <entry key="password">hunter2</entry>. It returns where to go on, 0 if s
// is no such name.
func (m *Masker) record(s *subject) int {
	t := m.Text
	key := m.keyBefore(s.start)
	if key < 0 || s.quote == 0 && strings.IndexByte(s.word, '.') >= 0 {
		return 0
	}
	if strings.HasPrefix(t[s.end:], "::") && t[s.start-1] == '=' { // ::set-output name=token::hunter2
		from := s.end + len("::")
		return m.hideIf(s, page.Unquoted(from, m.Bare(from, m.Depth(s.end), true)))
	}
	end := s.end
	for nested := true; end < len(t) && end-s.end < maxRecord && !m.RecordEnds(end) && !strings.HasPrefix(t[end:], "[{"); end++ {
		if nested && t[end] == '{' {
			inner := m.Closing(end, s.end+maxRecord)
			nested, end = inner > 0, max(end, inner)
		}
	}
	next := m.keyedValue(s, s.end, end)
	if next == 0 {
		next = m.part(s)
	}
	if next == 0 && m.At(end) == '>' && t[end-1] != '/' && s.quote != 0 {
		next = m.content(s, end+1)
	}
	start := key
	for start > 0 && key-start < maxRecord && (t[start-1] == '}' || !m.RecordEnds(start-1)) && t[start-1] != '{' {
		if start--; t[start] == '}' || t[start] == '"' && start < key-1 { // what is in quotes or braces
			from := max(0, start-maxRecord)
			start = from + max(0, strings.LastIndexByte(t[from:start], max('"', t[start]-2)))
		}
	}
	m.Cost += end - start
	if next == 0 && m.keyedValue(s, start, key) > 0 {
		return s.end
	}
	return next
}

// part masks the content of the part of a form that s is the name of: behind its headers and an empty line. It returns where to go on, 0 if
// there is none.
func (m *Masker) part(s *subject) int {
	q := s.end
	if s.quote != 0 {
		q++
	}
	if m.At(q) != '\n' {
		return 0
	}
	empty := strings.Index(m.Text[q:min(len(m.Text), q+maxRecord)], "\n\n")
	if empty < 0 {
		return 0
	}
	for _, header := range strings.Split(m.Text[q:q+empty], "\n")[1:] {
		if !strings.Contains(header, ": ") {
			return 0
		}
	}
	from := m.Spaces(q + empty)
	return m.hideIf(s, page.Unquoted(from, m.Closed(from, "\n", view.Escaped)))
}

// keyBefore returns where the key begins that what is at i is the value of, if that is something like name; -1 otherwise.
func (m *Masker) keyBefore(i int) int {
	t := m.Text
	before := strings.TrimRight(t[max(0, i-maxAside):i], "/") // of a path
	if list := strings.LastIndexByte(before, '['); list >= 0 && strings.Trim(before[list:], "[\"', "+view.Alphabet) == "" {
		before = before[:list]
	}
	i += len(before) - min(i, maxAside)
	key := strings.TrimRight(before, "\"'` ")
	operator := strings.TrimRight(key, ":=>")
	if len(operator) == len(key) || len(before)-len(key) > 4 {
		return -1
	}
	end := i - len(before) + len(strings.TrimRight(operator, "\"'` "))
	start := m.NameStartAt(end)
	if !words.IsKeyOf(t[start:end], words.IsAnyName) {
		return -1
	}
	return start
}

// keyedValue masks what is called value between from and to, if that is a credential named s. It returns where to go on, 0 for none.
func (m *Masker) keyedValue(s *subject, from, to int) int {
	i, known := from, &m.behind
	if from >= s.end {
		known = &m.ahead
	}
	if from >= known.start && from < known.end {
		i = known.end
	} else {
		known.start = from
	}
	plain := true
	for ; i < to; i++ {
		end := m.NameEndAt(i)
		if end > i && m.At(i-1) != ':' && (words.IsKeyOf(m.Text[i:end], words.IsAnyValue) || strings.HasPrefix(m.Text[i:], "string \"")) {
			*known, plain = stretch{}, false
			key := m.subjectAt(i, end)
			key.strength = s.strength
			l := m.linkOf(&key)
			quoted := view.IsQuote(m.At(l.value))
			if stated := l.bond == spaced; l.bond != unbound && l.bond != paired && (l.bond != called || quoted) {
				v, ok := m.valueAt(&key, l)
				ok = ok && !m.goesOn(&key, l, &v, m.Text[v.Start:v.End]) && !strings.EqualFold(m.Text[v.Start:v.End], s.word)
				l.bond = assigned
				stated = stated && !v.Quoted && m.At(l.value) != '[' // rejected value [hunter2], or got hunter2
				if ok && m.wants(s, l, &v) && (!stated || view.IsAlnum(m.Text[v.Start]) && words.Mixed(m.Text[v.Start:v.End])) {
					m.Hide(v.Start, v.End)
					return v.Next
				}
			}
		}
		i = end
	}
	if plain {
		known.end = i
	}
	return 0
}
