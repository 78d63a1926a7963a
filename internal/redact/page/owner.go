// SPDX-License-Identifier: Apache-2.0

package page

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

const (
	maxOpen = 16
	maxNear = 128 // bytes between an address that something is streamed to and the key to it
)

// nesting is what is open at some place of a text: brackets and tags, the last ones; the lines of YAML that those behind belong to, the
// section of INI; and where an address was last that something is streamed to.
type nesting struct {
	at, line int // up to where the text was gone through, and where the line begins
	open     []int
	above    []int // lines that end in a colon, each further right than the one before
	section  int   // where its bracket is, plus 1; 0 for none
	stream   int   // where that address is, plus 1; 0 for none
}

// StrengthWithin returns how surely the name from i to end means a credential because of what it belongs to. It has to be asked from left
// to right.
func (p *Page) StrengthWithin(i, end int) words.Strength {
	name := p.Text[i:end]
	if space := strings.LastIndexByte(name, ' ') + 1; space > 0 {
		i, name = i+space, name[space:]
	}
	if words.StrengthWithin("stream", name) == words.Open {
		return words.Open
	}
	return words.StrengthWithin(p.owner(i, end), name)
}

// owner returns what the name from i to end belongs to, whatever lists are in between: stream in {"stream": {"key": "..."}},
// Stream{Key:...}, stream["key"], <stream><key>, and in YAML and INI; also where what is right before i, or the object, says where to
// stream to; "" for none.
func (p *Page) owner(i, end int) string {
	p.goOn(i)
	b := &p.nesting
	before := strings.TrimRight(p.Text[max(0, i-words.MaxName):i], "\"'`")
	quoted := view.IsQuote(p.At(i - 1))
	if quoted && p.At(end) != p.At(i-1) { // the first word of a text
		return ""
	}
	access := quoted || p.At(end) == ']' && p.At(end+1) == '='
	for _, member := range []string{"[", "->", "::", "]."} {
		if object, found := strings.CutSuffix(before, member); found && (member != "[" || access) {
			if name := lastName(strings.TrimRight(object, "0123456789[]")); name != "" {
				return name
			}
		}
	}
	if len(b.open) == 0 && b.stream > 0 && i-b.stream < maxNear {
		return "stream"
	}
	if len(b.open) == 0 || b.open[len(b.open)-1] < b.line {
		if name := p.lineOwner(i); name != "" {
			return name
		}
	}
	for n := len(b.open) - 1; n >= 0; n-- {
		start := b.open[n]
		before := p.Text[max(0, start-words.MaxName):start]
		object, isMap := strings.CutSuffix(before, "map") // of Go
		switch inner := n == len(b.open)-1; {
		case p.Text[start] == '<' && start == i-1: // its own
			continue
		case p.Text[start] == '<':
			return p.Text[start+1 : p.NameEndAt(start+1)]
		case inner && p.Text[start] == '{' && (b.stream > start || words.IsStreamTo(p.rest(i))):
			return "stream"
		case inner && p.Text[start] == '{' && strings.Contains(strings.ToLower(p.rest(i)), "value"): // {"key": "a", "value": "b"}
			return ""
		case p.Text[start] == '[' && isMap:
			before = object
		case inner && p.Text[start] == '[': // session[key]
			return ""
		}
		operator := strings.TrimRight(before, "\"'` :=")
		if sep := before[len(operator):]; sep != "" && !strings.ContainsAny(sep, ":=") { // an object of no name
			return ""
		}
		if name := lastName(operator); name != "" {
			return name
		}
	}
	return ""
}

// lastName returns the name that text ends in.
func lastName(text string) string {
	return text[strings.LastIndexAny(text, " \"'`{}[](),:=&?<>/\n\t")+1:]
}

// goOn goes on through the text to i.
func (p *Page) goOn(i int) {
	b := &p.nesting
	for ; b.at < i; b.at++ {
		p.Cost++
		switch c := p.Text[b.at]; c {
		case '{', '[':
			b.push(b.at)
		case '<':
			if next := p.At(b.at + 1); view.IsLetter(next) {
				b.push(b.at)
			} else if next == '/' {
				b.pop(p.Text, '<')
			}
		case '}', ']':
			if opened := b.pop(p.Text, c-2); c == ']' && opened >= 0 && p.At(b.at+1) == '\n' {
				b.section = opened + 1
			}
		case 'r':
			if words.IsStreamTo(p.Text[b.at:min(len(p.Text), b.at+len("rtmps://"))]) {
				b.stream = b.at + 1
			}
		case '\n':
			if line := p.Text[b.line:b.at]; strings.HasSuffix(line, ":") {
				b.above = append(p.linesAbove(b.line), b.line)
			}
			b.line = b.at + 1
		}
	}
}

func (b *nesting) push(i int) {
	if len(b.open) == maxOpen {
		b.open = b.open[:copy(b.open, b.open[1:])]
	}
	b.open = append(b.open, i)
}

// pop closes the last bracket of a kind that is open, and what is open within. It returns where that was, -1 if there is none.
func (b *nesting) pop(text string, bracket byte) int {
	for n := len(b.open) - 1; n >= 0; n-- {
		if opened := b.open[n]; text[opened] == bracket {
			b.open = b.open[:n]
			return opened
		}
	}
	return -1
}

// linesAbove returns the lines that the one at i belongs to.
func (p *Page) linesAbove(i int) []int {
	above := p.nesting.above
	for len(above) > 0 && p.indent(above[len(above)-1]) >= p.indent(i) {
		above = above[:len(above)-1]
	}
	return above[max(0, len(above)-maxOpen):]
}

// indent returns how far right the line at i begins.
func (p *Page) indent(i int) int { return p.Blanks(i) - i }

// lineOwner returns what the name at i belongs to by its line.
func (p *Page) lineOwner(i int) string {
	b := &p.nesting
	if strings.Trim(p.Text[b.line:i], " \t-\"'") != "" {
		return ""
	}
	if above := p.linesAbove(b.line); len(above) > 0 {
		line, _, _ := strings.Cut(p.Text[above[len(above)-1]:b.line], ":\n")
		return lastName(strings.TrimRight(line, "\"'"))
	}
	if b.section > 0 {
		return p.Text[b.section:p.NameEndAt(b.section)]
	}
	return ""
}

// rest returns what follows i in the object that it is in.
func (p *Page) rest(i int) string {
	rest, _, _ := strings.Cut(p.Text[i:min(len(p.Text), i+maxNear)], "}")
	p.Cost += len(rest)
	return rest
}
