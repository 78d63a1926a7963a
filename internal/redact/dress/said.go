// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// rejected masks what a validator says that s was: field 'password': rejected value [hunter2], invalid value "hunter2" for password.
func (m *Masker) rejected(s *subject) int {
	if s.strength != words.Sure && (s.strength != words.Weak || !s.flag) {
		return 0
	}
	t := m.Text
	line, rest, _ := strings.Cut(t[s.end:min(len(t), s.end+maxRecord)], "\n")
	end := s.end + len(line)
	if next, _, _ := strings.Cut(rest, "\n"); strings.HasPrefix(next, "  ") || strings.HasPrefix(next, "send ") {
		end += len("\n") + len(next)
	}
	start := max(0, s.start-maxRecord)
	start += strings.LastIndexByte(t[start:s.start], '\n') + 1
	m.Cost += end - start
	quoting := []string{"value", "argument", "parsing", "string", "invalid", "illegal", "malformed", "unexpected"}
	near := max(start, s.start-2*maxAside)
	for _, of := range []string{" for ", " into ", " is not a valid ", " (field ", " (setting ", " (option "} {
		if strings.IndexAny(t[near:s.start], "\"'`") < 0 {
			break
		}
		quote := strings.LastIndexAny(t[near:near+max(0, strings.LastIndex(t[near:s.start], of))], "\"'`") + near
		i := start + strings.LastIndexByte(t[start:max(start, quote)], m.At(quote))
		if quote < near || i < start {
			continue
		}
		all, v := strings.Fields(strings.ToLower(t[start:i])), m.Quoted(i)
		given := slices.ContainsFunc(all[max(0, len(all)-2):], func(w string) bool { return slices.Contains(quoting, words.LastWord(w)) })
		given = given || of != " for " && words.Mixed(t[v.Start:v.End])
		if given && v.Next < s.start {
			m.hideIf(s, v)
		}
	}
	if next := m.keyedValue(s, s.end, end); next > 0 || s.strength < words.Sure {
		return next
	}
	return m.verdict(s.end, line)
}

// verdict masks the last word of a line, which begins at i, where a colon is before it or parentheses around it, and what is wrong with it
// is said before: must not be that (hunter2), is not valid: hunter2.
func (m *Masker) verdict(i int, line string) int {
	for _, lead := range []string{": ", "("} {
		at := strings.LastIndexByte(line, lead[0])
		for at >= 0 && !strings.HasPrefix(line[at:], lead) {
			at = strings.LastIndexByte(line[:at], lead[0])
		}
		said := line[:max(0, at)]
		if slices.ContainsFunc([]string{"valid", "match", " must ", " too "}, func(w string) bool { return strings.Contains(said, w) }) {
			v, ok := m.Word(i+at+len(lead), true)
			text, before := m.Text[v.Start:v.End], words.LastWord(said)
			isLast := (m.alone(&v) || lead == "(" && m.At(v.Next) == ')') && strings.ToUpper(text) != text // a code of an error
			if ok && isLast && words.Mixed(text) && !slices.Contains(words.List("user"), before) && words.Roles(before)&words.IsOf == 0 {
				m.Hide(v.Start, v.End)
				return v.Next
			}
		}
	}
	return 0
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
	if words.Mixed(text) && (s.strength == words.Sure || words.Opaque(text)) {
		m.Hide(start, start+len(text))
	}
}
