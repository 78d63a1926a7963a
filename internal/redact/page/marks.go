// SPDX-License-Identifier: Apache-2.0

package page

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
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

// Block reads a block of YAML, of which the | or > is at i: all lines that begin further right than that of the name. Or a map or a list,
// which begins at i: a list may begin where the name does.
func (p *Page) Block(name, i int) (v Value, ok bool) {
	t := p.Text
	list := t[i] == '-'
	if c := t[i]; c != '|' && c != '>' {
		i = strings.LastIndexByte(t[:i], '\n')
	} else {
		for i++; i < len(t) && strings.IndexByte("+-0123456789 \t\r", t[i]) >= 0; i++ {
		}
	}
	if p.At(i) != '\n' {
		return v, false
	}
	line := p.LineBefore(name, MaxLook)
	indent := len(line) - len(strings.TrimLeft(line, " \t-*"))
	v.Start, v.End = p.Spaces(i), p.Spaces(i)
	for i < len(t) {
		i++ // over the line's end
		end := i
		for end < len(t) && t[end] != '\n' {
			end++
		}
		if text := strings.TrimLeft(t[i:end], " \t"); text != "" {
			if at := end - i - len(text); at < indent || at == indent && (!list || text[0] != '-') {
				break
			}
			v.End = end
		}
		i = end
	}
	p.Cost += v.End - v.Start
	v.Next = v.End
	return v, v.End > v.Start
}

// Wrapped returns where a credential from start to end goes on to that was wrapped over lines: what the next ones begin with, and was made
// by a machine too.
func (p *Page) Wrapped(start, end int) int {
	const line, shortest = 32, 12
	if end-start < line {
		return end
	}
	for p.At(end) == '\n' {
		from := p.Blanks(end + 1)
		next := from
		for next < len(p.Text) && (view.IsAlnum(p.Text[next]) || strings.IndexByte("_-=.+/", p.Text[next]) >= 0) {
			next++
		}
		p.Cost += next - end
		if next-from < shortest || strings.IndexByte("\x00\n\"' ,;:)", p.At(next)) < 0 || !words.Opaque(p.Text[from:next]) {
			break
		}
		end = next
	}
	return end
}

// BehindTags reads a value that is behind tags of its own: <b>Password:</b> hunter2
func (p *Page) BehindTags(i int) (v Value, ok bool) {
	for range 3 {
		end := p.TagEnd(i + 1)
		if p.At(i) != '<' || end < 0 {
			break
		}
		ok = ok || p.At(i+1) == '/'
		i = p.Spaces(end + 1)
	}
	v = Unquoted(i, p.Bare(i, p.Depth(i), false))
	return v, v.End > i && (ok || p.At(v.End) == '<')
}

// RecordEnds reports whether a record ends at i.
func (p *Page) RecordEnds(i int) bool {
	switch p.Text[i] {
	case '}', '<', '>', ';':
		return true
	case '\n':
		next := i + 1
		for next < i+maxAside && (p.At(next) == ' ' || p.At(next) == '\t') {
			next++
		}
		return p.At(next) == '-' || p.At(next) == '\n'
	}
	return false
}

// Alone reports whether v ends its line, perhaps as the last word of a sentence.
func (p *Page) Alone(v *Value) bool {
	rest := strings.TrimLeft(strings.TrimPrefix(p.Text[v.Next:], "."), " ")
	return rest == "" || strings.IndexByte("\n\r\"'}", rest[0]) >= 0
}

// Counts reports whether v is rather how much there is of something: 8 bytes.
func (p *Page) Counts(v *Value, text string) bool {
	const most = 3 // digits
	return !v.Quoted && len(text) <= most && view.IsDigits(text) &&
		p.At(v.End) == ' ' && view.IsLetter(p.At(v.End+1)) && !p.PairFollows(v.End+1)
}

// LeadsOn reports whether v is rather a word among others that arrows lead to, or a page: password -> hash -> store, API key → settings
// page, password → https://h.example/reset
func (p *Page) LeadsOn(v *Value, text string) bool {
	page := strings.Contains(text, "://")
	if v.Quoted || p.At(v.Next) != ' ' && !page || words.Mixed(text) {
		return false
	}
	before := strings.TrimRight(p.Text[max(0, v.Start-maxAside):v.Start], " ")
	sign := v.Start - min(v.Start, maxAside) + strings.LastIndexByte(before, ' ') + 1
	return p.IsArrow(p.Spaces(v.Next)) || p.IsArrow(sign) && (page || p.Operator(sign) == "=")
}

// IsArrow reports whether an arrow is at i, of two signs or of one that only looks like an equals sign.
func (p *Page) IsArrow(i int) bool {
	op := p.Operator(i)
	return op == "->" || op == "=>" || op == "=" && p.Origin(i+1)-p.Origin(i) > 1 && p.Depth(i) == 0
}
