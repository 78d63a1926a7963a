// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// rejected masks what a validator says that s was: field 'password': rejected value [hunter2], invalid value "hunter2" for password.
func (m *Masker) rejected(s *subject) int {
	key := strings.HasSuffix(m.Text[:max(0, s.start-1)], " for key ")
	if s.strength < words.Sure && !s.flag && !key && (s.strength < words.Noun || !strings.HasSuffix(m.Text[:s.start], " into ")) {
		return m.compared(s, s.end)
	}
	t := m.Text
	line, rest, _ := strings.Cut(t[s.end:min(len(t), s.end+maxRecord)], "\n")
	line, _, _ = strings.Cut(line, "[{") // what is in a list has names of its own
	end := s.end + len(line)
	if next, _, _ := strings.Cut(rest, "\n"); strings.HasPrefix(next, "  ") || strings.HasPrefix(next, "send ") {
		end += len("\n") + len(next)
	}
	m.Cost += end - s.end
	m.quotedBefore(s)
	if next := m.compared(s, s.end); next > 0 {
		return next
	}
	if next := m.keyedValue(s, s.end, end); next > 0 || s.strength < words.Sure {
		return next
	}
	return m.verdict(s.end, line)
}

var quoting = words.Set("quoting")

// quotedBefore masks what is quoted before s as a value for it: invalid value "hunter2" for password, entry 'hunter2' for key 'api_token'.
func (m *Masker) quotedBefore(s *subject) {
	const quotes = "\"'`"
	near := m.LineBefore(s.start, 2*maxAside)
	if !strings.ContainsAny(near, quotes) {
		return
	}
	before := m.LineBefore(s.start, maxRecord)
	far, from := len(before)-len(near), s.start-len(before)
	for _, of := range []string{" for ", " into ", " is not a valid ", " (field ", " (setting ", " (option "} {
		quote := far + strings.LastIndexAny(near[:max(0, strings.LastIndex(near, of))], quotes)
		i := -1
		if quote >= far {
			i = strings.LastIndexByte(before[:quote], before[quote])
		}
		if i < 0 {
			continue
		}
		all, v := strings.Fields(strings.ToLower(before[:i])), m.Quoted(from+i)
		given := slices.ContainsFunc(all[max(0, len(all)-2):], func(w string) bool { return quoting[words.LastWord(w)] })
		if v.Next < s.start && (given || of != " for " && words.Mixed(m.Text[v.Start:v.End])) {
			m.hideIf(s, v)
		}
	}
	if i := strings.Index(before, `value "`); i >= 0 && strings.HasSuffix(before, " property '") { // of GStreamer, with its type behind it
		m.hideIf(s, m.Quoted(from+i+len("value ")))
	}
}

// judging says that a credential is wrong, comparing is before a value that is compared with another one, differing says that some are.
var (
	judging   = append([]string{" must ", " too ", " format"}, words.List("verdict")...)
	differing = append([]string{" but ", ", have ", ", got "}, words.List("differing")...)
	comparing = words.Set("comparing")
)

// compared masks what is said to be compared behind s, from i on: mismatch: expected "hunter2" but got "hunter3". It returns where to go
// on, 0 if nothing is.
func (m *Masker) compared(s *subject, i int) (next int) {
	said := m.Text[i:min(len(m.Text), i+maxAside)]
	first := strings.ToLower(m.Text[m.Spaces(i):max(m.Spaces(i), m.NameEndAt(m.Spaces(i)))])
	if words.Roles(first)&words.IsFact != 0 && !slices.Contains(words.List("check"), first) { // of the length, say
		return 0
	}
	if !slices.ContainsFunc(differing, func(w string) bool { return strings.Contains(said, w) }) {
		return 0
	}
	for end := min(len(m.Text), i+2*maxAside); i < end; {
		from := m.Spaces(i)
		op := m.Operator(from)
		i = min(len(m.Text), max(from+1, m.NameEndAt(from), from+len(op)))
		if op == "" && m.At(from) != '(' && (from == i || !comparing[strings.ToLower(m.Text[from:i])]) {
			continue
		}
		v, ok := m.Word(m.Spaces(i), true)
		if ok && words.IsCompared(s.strength, m.Text[v.Start:min(v.End, v.Start+page.MaxLook)], v.Quoted) {
			m.Hide(v.Start, v.End)
			next, i = v.Next, v.Next
		}
	}
	return next
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
		if slices.ContainsFunc(judging, func(w string) bool { return strings.Contains(said, w) }) {
			v, ok := m.Word(i+at+len(lead), true)
			text, before := m.Text[v.Start:v.End], words.LastWord(said)
			isLast := (m.Alone(&v) || lead == "(" && m.At(v.Next) == ')') && strings.ToUpper(text) != text // a code of an error
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
	word, i := m.WordBefore(s.start, maxAside)
	for n := 0; n < 2 && slices.Contains(words.List("whose"), strings.ToLower(word)); n++ {
		word, i = m.WordBefore(i, maxAside)
	}
	lead := strings.ToLower(word)
	word, i = m.WordBefore(i, maxAside)
	if given := lead == "for" && strings.HasSuffix(m.Text[:i], " value "); lead != "is" && lead != "as" && lead != "was" && !given {
		return
	}
	m.Cost += s.start - i
	text := strings.Trim(word, "\"'`,;:()")
	start := i + strings.Index(word, text)
	if words.Mixed(text) && (s.strength == words.Sure || words.Opaque(text)) {
		m.Hide(start, start+len(text))
	}
}
