// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

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

// serialized returns where the value begins of which PHP says the type and the length, behind the semicolon at i; 0 if none does.
func (m *Masker) serialized(i int) int {
	const longest = 12
	before, _, found := strings.Cut(m.Text[i:min(len(m.Text), i+longest)], `"`)
	if !found || strings.Count(before, ":") != 2 {
		return 0
	}
	return i + len(before)
}

// visibility returns the length of what PHP says about a member at i: :protected] or :"Db":private]; 0 if that is none.
func (m *Masker) visibility(i int) int {
	n := strings.IndexByte(m.Text[i:min(len(m.Text), i+maxAside)], ']')
	if n > 0 && (strings.HasSuffix(m.Text[i:i+n], ":private") || strings.HasSuffix(m.Text[i:i+n], ":protected")) {
		return n
	}
	return 0
}
