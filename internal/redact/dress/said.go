// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// rejected masks what a validator says that s was: field 'password': rejected value [hunter2], invalid value "hunter2" for password.
func (m *Masker) rejected(s *subject) int {
	if s.strength != words.Sure {
		return 0
	}
	t := m.Text
	line, rest, _ := strings.Cut(t[s.end:min(len(t), s.end+maxRecord)], "\n")
	end := s.end + len(line)
	if next, _, _ := strings.Cut(rest, "\n"); strings.HasPrefix(next, "  ") || strings.HasPrefix(next, "send ") {
		end += len("\n") + len(next)
	}
	before := t[max(0, s.start-maxRecord):s.start]
	before = before[strings.LastIndexByte(before, '\n')+1:]
	m.Cost += end - s.end + len(before)
	for _, of := range []string{" for ", " into ", " is not a valid ", " (field ", " (setting "} {
		quote := strings.LastIndexAny(before[:max(0, strings.LastIndex(before, of))], "\"'`")
		if quote < 0 || len(before)-quote > 2*maxAside {
			continue
		}
		i := strings.LastIndexByte(before[:quote], before[quote])
		given := slices.ContainsFunc([]string{"alue ", "rgument ", "arsing ", "tring "}, func(word string) bool { return strings.HasSuffix(before[:max(0, i)], word) })
		if i += s.start - len(before); i >= s.start-len(before) && (given || of != " for " && words.Mixed(t[i+1:s.start-len(before)+quote])) {
			if v := m.Quoted(i); v.Next < s.start && m.wants(s, link{bond: assigned}, &v) {
				m.Hide(v.Start, v.End)
			}
		}
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
