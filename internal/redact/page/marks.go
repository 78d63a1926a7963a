// SPDX-License-Identifier: Apache-2.0

package page

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

const (
	maxTag   = 256 // bytes from a name on in which the tag ends that it is in
	maxAside = 40  // bytes of what stands between a name and its value
)

// TagEnd returns where the tag ends that i is in; -1 if it doesn't.
func (p *Page) TagEnd(i int) int {
	for j := i; j < len(p.Text) && j-i < maxTag && p.Text[j] != '<'; j++ {
		p.Cost++
		if p.Text[j] == '>' {
			return j
		}
	}
	return -1
}

// Led returns where goes on what is at j, behind white space from i on, and leads to a value: dots (Password . . . . : hunter2), or a
// type of the registry of Windows.
func (p *Page) Led(i, j int) int {
	if strings.HasPrefix(p.Text[j:], "REG_") {
		return p.Spaces(p.NameEndAt(j))
	}
	end := j
	if p.At(j) == '<' && view.IsLetter(p.At(j+1)) { // of Lua: password <const> = "hunter2"
		if end = p.NameEndAt(j + 1); p.At(end) == '>' {
			end = p.Spaces(end + 1)
		}
		if op := p.Operator(end); op == "=" {
			return end
		}
		return j
	}
	for end-j < maxAside && (p.At(end) == '.' || p.At(end) == ' ') {
		end++
	}
	if j > i && end > j && p.Operator(end) != "" {
		return end
	}
	return j
}
