// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// sent masks what is sent to a program that asks for s: expect "password:" { send "hunter2\r" }. It returns where to go on, 0 if
// nothing is.
func (m *Masker) sent(s *subject) int {
	before := m.Text[max(0, s.start-page.MaxScheme):s.start]
	after := m.Text[s.end:min(len(m.Text), s.end+maxAside)]
	at := strings.Index(after, "send")
	m.Cost += page.MaxScheme + maxAside
	if at < 0 || s.strength != words.Sure || !strings.Contains(before, "expect") {
		return 0
	}
	i := m.NameEndAt(s.end + at)
	for strings.IndexByte(" (-", m.At(i)) >= 0 && i < len(m.Text) {
		i++
	}
	if !view.IsQuote(m.At(i)) || strings.HasPrefix(m.Text[i+1:], page.Mask) {
		return 0
	}
	v := m.Quoted(i)
	m.Hide(v.Start, v.End)
	return v.Next
}

// rejected masks what a validator says that s was: field 'password': rejected value [hunter2], invalid value "hunter2" for password.
func (m *Masker) rejected(s *subject) int {
	if s.strength != words.Sure {
		return 0
	}
	t := m.Text
	line, rest, _ := strings.Cut(t[s.end:min(len(t), s.end+maxRecord)], "\n")
	end := s.end + len(line)
	if next, _, _ := strings.Cut(rest, "\n"); strings.HasPrefix(next, "  ") {
		end += len("\n") + len(next)
	}
	before := t[max(0, s.start-maxRecord):s.start]
	before = before[strings.LastIndexByte(before, '\n')+1:]
	m.Cost += end - s.end + len(before)
	for _, given := range []string{"alue ", "rgument ", "arsing "} {
		i := strings.LastIndex(before, given)
		if i < 0 {
			continue
		}
		if i += s.start - len(before) + len(given); view.IsQuote(m.At(i)) {
			v := m.Quoted(i)
			if v.Next < s.start && strings.Contains(t[v.Next:s.start], " for ") && m.wants(s, link{bond: assigned}, &v) {
				m.Hide(v.Start, v.End)
			}
		}
	}
	if !strings.ContainsAny(t[s.end:end], "\"'[") {
		return 0
	}
	return m.keyedValue(s, s.end, end)
}

// valueBefore masks what is called s behind it: "hunter2" is the password.
func (m *Masker) valueBefore(s *subject) {
	i := s.start
	back := func() string { // the word before
		for i > 0 && m.Text[i-1] == ' ' {
			i--
		}
		end := i
		for i > 0 && end-i < maxAside && !view.IsSpace(m.Text[i-1]) {
			i--
		}
		return m.Text[i:end]
	}
	word := strings.ToLower(back())
	for n := 0; n < 2 && slices.Contains(words.List("whose"), word); n++ {
		word = strings.ToLower(back())
	}
	if word != "is" && word != "as" && word != "was" {
		return
	}
	text := strings.Trim(back(), "\"'`,;:()")
	m.Cost += s.start - i
	start := i + strings.Index(m.Text[i:s.start], text)
	if !strings.HasPrefix(text, page.Mask) && words.Mixed(text) && (s.strength == words.Sure || words.Opaque(text)) {
		m.Hide(start, start+len(text))
	}
}
