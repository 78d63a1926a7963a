// SPDX-License-Identifier: Apache-2.0

package page

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// Mask stands where a credential was.
const Mask = "[redacted]"

// UserInfoMask stands for the user info of a URL: brackets are not allowed there, and this is the form that Livepeer
// Studio itself uses, so a URL looks the same whoever masked it.
const UserInfoMask = "***:***"

const (
	// MaxLook is how many bytes of a value are looked at to tell whether it is one.
	MaxLook = 256
	// MaxElement is how many bytes a value over several lines may have.
	MaxElement = 4096
	// MaxScheme is how long the scheme of a URL may be, and other short words.
	MaxScheme = 24
	// maxSpans is how many credentials, or names of such, a text can hold, and maxKeys how many keys of any kind. One with more is
	// masked whole: nobody wrote it.
	maxSpans = 300
	maxKeys  = 1000
	// maxCost is how many bytes may be looked at for each byte of a text, besides the first time. What needs more is
	// masked whole. No shape of text is known that does.
	maxCost = 8
	// inShort is how many bytes a short text counts for besides.
	inShort = 256
)

// span is a part of the view that is masked.
type span struct {
	start, end int
	user       bool // the user info of a URL
}

// Page is one text that is gone through: what it says, what of it is to be masked, and how much it took to find that out.
type Page struct {
	view.View
	Whole bool // the text is one URL
	spans []span
	Cost  int // bytes looked at besides the first time
	Names int // that mean a credential
	Keys  int // that may mean one
	// URL is the one that was met last, QueryEnd where a query without one ends.
	URL      URL
	QueryEnd int
	nesting  nesting
}

// New returns the page of a text.
func New(s string) Page { return Page{View: view.Of(s)} }

// Hide has the text from start to end masked.
func (p *Page) Hide(start, end int) { p.add(span{start: start, end: end}) }

func (p *Page) add(s span) {
	if masked := s.start < s.end && strings.HasPrefix(p.Text[s.start:], Mask) && s.end <= s.start+len(Mask); masked || s.start >= s.end {
		return
	}
	if n := len(p.spans); n > 0 && p.spans[n-1].user == s.user && s.start >= p.spans[n-1].start && s.start <= p.spans[n-1].end {
		p.spans[n-1].end = max(p.spans[n-1].end, s.end)
		return
	}
	p.spans = append(p.spans, s)
}

// Full reports whether the text is to be masked whole.
func (p *Page) Full() bool {
	return len(p.spans) > maxSpans || p.Names > maxSpans || p.Keys > maxKeys || p.Cost > maxCost*(len(p.Text)+inShort)
}

// Apply returns the original with all spans masked.
func (p *Page) Apply(s string) string {
	if p.Full() {
		return Mask
	}
	if len(p.spans) == 0 {
		return s
	}
	slices.SortStableFunc(p.spans, func(a, b span) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	var b strings.Builder
	done := 0
	for i := 0; i < len(p.spans); {
		all := p.spans[i]
		for i++; i < len(p.spans) && (p.spans[i].start < all.end || p.spans[i].start == all.end && !all.user && !p.spans[i].user); i++ {
			if p.spans[i].end > all.end {
				all.end, all.user = p.spans[i].end, all.user && p.spans[i].user
			}
		}
		b.WriteString(s[done:p.Origin(all.start)])
		if all.user {
			b.WriteString(UserInfoMask)
		} else {
			b.WriteString(Mask)
		}
		done = p.Origin(all.end)
	}
	b.WriteString(s[done:])
	return b.String()
}

// Spaces returns where the white space at i ends, and comments in it.
func (p *Page) Spaces(i int) int {
	for i < len(p.Text) && view.IsSpace(p.Text[i]) {
		i++
	}
	if i+1 < len(p.Text) && p.Text[i] == '/' && p.Text[i+1] == '*' {
		if n := strings.Index(p.Text[i:min(len(p.Text), i+MaxLook)], "*/"); n > 0 {
			p.Cost += n
			return p.Spaces(i + n + len("*/"))
		}
	}
	return i
}

// Blanks returns where the white space at i ends, within the line.
func (p *Page) Blanks(i int) int {
	for p.At(i) == ' ' || p.At(i) == '\t' {
		i++
	}
	return i
}

// At returns the byte at i, 0 beyond the text.
func (p *Page) At(i int) byte {
	if i < 0 || i >= len(p.Text) {
		return 0
	}
	return p.Text[i]
}

// URL says where the parts of a URL are.
type URL struct {
	Scheme    string // in lower case
	Start     int    // of the scheme
	Host, End int
	Query     int // where the path ends
	Depth     uint8
}

// Trailing is what follows a URL or a value in a sentence rather than being part of it.
const Trailing = ".,;:!')}]\\|"

// Trim returns s without what follows it in a sentence, at its end. The mask stays whole.
func Trim(s, cutset string) string {
	if s == "" || view.IsAlnum(s[len(s)-1]) { // no such set has letters or digits
		return s
	}
	out := s
	for out != "" && strings.IndexByte(cutset, out[len(out)-1]) >= 0 {
		out = out[:len(out)-1]
	}
	if strings.HasPrefix(s[len(out):], "]") && strings.HasSuffix(out, Mask[:len(Mask)-1]) {
		out = s[:len(out)+1]
	}
	return out
}

// URLStops are the bytes that end a URL in a text.
var URLStops = view.SetOf(" \t\r\n\"<>`")

// HideUser has the user info from start to end masked.
func (p *Page) HideUser(start, end int) {
	if p.Text[start:end] != UserInfoMask {
		p.add(span{start, end, true})
	}
}

// NameEndAt returns where the name ends that i is in, or before.
func (p *Page) NameEndAt(i int) int {
	from := i
	for i < len(p.Text) && i-from < words.MaxName && view.IsNameByte(p.Text[i]) && !p.dotted(i) {
		i++
	}
	p.Cost += i - from
	return i
}

// NameStartAt returns where the name starts that ends at i.
func (p *Page) NameStartAt(i int) int {
	from := i
	for i > 0 && from-i < words.MaxName && view.IsNameByte(p.Text[i-1]) && !p.dotted(i-1) {
		i--
	}
	p.Cost += from - i
	return i
}

// dotted reports whether one of several dots is at i, which lead from a name to its value: password.......hunter2, password…hunter2
func (p *Page) dotted(i int) bool {
	const dots = "…"
	switch p.Text[i] {
	case '.':
		return p.At(i-1) == '.' || p.At(i+1) == '.'
	case dots[0]:
		return strings.HasPrefix(p.Text[i:], dots)
	case dots[len(dots)-1]:
		return strings.HasSuffix(p.Text[:i+1], dots)
	}
	return false
}

// LineBefore returns what stands before i in its line: its last bytes, and no more than most.
func (p *Page) LineBefore(i, most int) string {
	line := p.Text[max(0, i-most):i]
	line = line[strings.LastIndexByte(line, '\n')+1:]
	p.Cost += len(line)
	return line
}

// WordBefore returns the word before i, of no more than most bytes, and where it starts.
func (p *Page) WordBefore(i, most int) (word string, start int) {
	end := i
	for end > 0 && p.Text[end-1] == ' ' {
		end--
	}
	start = end
	for start > 0 && end-start < most && !view.IsSpace(p.Text[start-1]) {
		start--
	}
	return p.Text[start:end], start
}

// SchemeStart returns where the scheme before the :// at sep starts.
func (p *Page) SchemeStart(sep int) int {
	start := sep
	for start > 0 && sep-start < MaxScheme && (view.IsAlnum(p.Text[start-1]) || strings.IndexByte("+-.", p.Text[start-1]) >= 0) {
		start--
	}
	for start < sep && !view.IsLetter(p.Text[start]) { // ...rtmp://, and +rtmp:// where something has changed
		start++
	}
	return start
}
