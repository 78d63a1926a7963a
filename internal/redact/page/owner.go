// SPDX-License-Identifier: Apache-2.0

package page

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// brackets are those that are open at some place of a text: the last ones; and where an address was last that something is streamed to.
type brackets struct {
	at     int
	open   []int
	stream int
}

const (
	maxOpen = 16
	maxNear = 128 // bytes between such an address and the key to it
)

// StrengthWithin returns how surely the name at i means a credential because of the object that it is in. It has to be asked from left to
// right.
func (p *Page) StrengthWithin(i int, name string) words.Strength {
	if name = name[strings.LastIndexByte(name, ' ')+1:]; words.StrengthWithin("stream", name) == words.Open {
		return words.Open
	}
	return words.StrengthWithin(p.owner(i), name)
}

// owner returns the name that the object belongs to which i is in, whatever lists are in between: stream in {"stream": {"key": "..."}} and
// Stream{Key:...}, also where the object, or what is right before i, says where to stream to; "" if it has none.
func (p *Page) owner(i int) string {
	b := &p.brackets
	for ; b.at < i; b.at++ {
		p.Cost++
		switch p.Text[b.at] {
		case '{', '[':
			if len(b.open) == maxOpen {
				b.open = b.open[:copy(b.open, b.open[1:])]
			}
			b.open = append(b.open, b.at)
		case '}', ']':
			b.open = b.open[:max(0, len(b.open)-1)]
		case 'r':
			if words.IsStreamTo(p.Text[b.at:min(len(p.Text), b.at+len("rtmps://"))]) {
				b.stream = b.at + 1
			}
		}
	}
	if near := b.stream > 0 && i-b.stream < maxNear; near && len(b.open) == 0 { // lines, or elements
		return "stream"
	}
	for n := len(b.open) - 1; n >= 0; n-- {
		start := b.open[n]
		before := p.Text[max(0, start-words.MaxName):start]
		object, isMap := strings.CutSuffix(before, "map") // of Go
		switch inner := n == len(b.open)-1; {
		case inner && p.Text[start] == '{' && (b.stream > start || p.streamsAfter(i)):
			return "stream"
		case p.Text[start] == '[' && isMap:
			before = object
		case inner && p.Text[start] == '[': // session[key]
			return ""
		}
		name := strings.TrimRight(strings.TrimRight(before, "\"'` :="), "\"'`")
		if sep := before[len(name):]; sep != "" && !strings.ContainsAny(sep, ":=") { // an object of no name
			return ""
		}
		if name = name[strings.LastIndexAny(name, " \"'`{}[](),:=&\n\t")+1:]; name != "" {
			return name
		}
	}
	return ""
}

// streamsAfter reports whether the object that i is in says behind i where to stream to.
func (p *Page) streamsAfter(i int) bool {
	rest, _, _ := strings.Cut(p.Text[i:min(len(p.Text), i+maxNear)], "}")
	p.Cost += len(rest)
	return words.IsStreamTo(rest)
}
