// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
)

const (
	// maxSpans is how many credentials, or names of such, a text can hold, and maxKeys how many keys of any kind. One with more is
	// masked whole: nobody wrote it.
	maxSpans = 300
	maxKeys  = 1000
	// maxCost is how many bytes may be looked at for each byte of a text, besides the first time. What needs more is
	// masked whole. No shape of text is known that does.
	maxCost = 8
)

// span is a part of the view that is masked.
type span struct {
	start, end int
	user       bool // the user info of a URL
}

// masker goes through one text.
type masker struct {
	view
	whole bool // the text is one URL
	spans []span
	cost  int // bytes looked at besides the first time
	names int // that mean a credential
	keys  int // that may mean one
	// Where names, and user infos without a scheme, were looked for already.
	nameEnd, userEnd int
	url              urlParts // the URL that was met last
	queryEnd         int      // of a query without one
	ats              cursor
	command          commandLine
}

func (m *masker) mask(start, end int) { m.add(span{start: start, end: end}) }

func (m *masker) add(s span) {
	if s.start >= s.end {
		return
	}
	if n := len(m.spans); n > 0 && m.spans[n-1].user == s.user && s.start >= m.spans[n-1].start && s.start <= m.spans[n-1].end {
		m.spans[n-1].end = max(m.spans[n-1].end, s.end)
		return
	}
	m.spans = append(m.spans, s)
}

// full reports whether the text is to be masked whole.
func (m *masker) full() bool {
	return len(m.spans) > maxSpans || m.names > maxSpans || m.keys > maxKeys || m.cost > maxCost*(len(m.text)+64)
}

// apply returns the original with all spans masked.
func (m *masker) apply(s string) string {
	if m.full() {
		return Mask
	}
	if len(m.spans) == 0 {
		return s
	}
	slices.SortStableFunc(m.spans, func(a, b span) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	var b strings.Builder
	done := 0
	for i := 0; i < len(m.spans); {
		all := m.spans[i]
		for i++; i < len(m.spans) && (m.spans[i].start < all.end || m.spans[i].start == all.end && !all.user && !m.spans[i].user); i++ {
			if m.spans[i].end > all.end {
				all.end, all.user = m.spans[i].end, all.user && m.spans[i].user
			}
		}
		b.WriteString(s[done:m.origin(all.start)])
		if all.user {
			b.WriteString(UserInfoMask)
		} else {
			b.WriteString(Mask)
		}
		done = m.origin(all.end)
	}
	b.WriteString(s[done:])
	return b.String()
}

// scan goes through the text from left to right and lets each rule look where it may apply.
func (m *masker) scan() {
	word := false // the byte before is a letter or a digit
	for i := 0; i < len(m.text) && !m.full(); {
		c := m.text[i]
		next := i + 1
		switch {
		case lower(c) != 0 || c >= 0x80:
			if !word {
				next = max(next, m.token(i))
			}
			if next == i+1 && i >= m.nameEnd && m.nameBegins(i) {
				next = max(next, m.name(i))
			}
		case c == ':':
			if strings.HasPrefix(m.text[i:], "://") {
				next = m.authority(i)
			}
		case c == '@':
			next = max(next, m.userInfo(i))
		case c == '?' || c == '&' || c == '#' && i < m.url.end:
			m.param(i)
		case c == '-':
			next = max(next, m.dashes(i))
		case c == '~' || c == '.' || c == '_':
			next = m.infix(i)
		case c == '$' || c == '{':
			next = max(next, m.token(i))
		}
		word = lower(m.text[next-1]) != 0
		i = next
	}
}

// dashes looks at what begins with a dash: a private key, or an option of a command. It returns where to go on.
func (m *masker) dashes(i int) int {
	if m.at(i-1) == '-' {
		return i + 1
	}
	n := i
	for m.at(n) == '-' {
		n++
	}
	if n-i < 4 {
		return m.option(i, n)
	}
	return m.privateKey(i, n)
}

// cursor remembers where the next @ of a line is, so that it is not searched for again and again.
type cursor struct{ from, found int }

// nextAt returns where the first @ from i on is, -1 if there is none in this line.
func (m *masker) nextAt(i int) int {
	if c := &m.ats; i < c.from || i > c.found {
		c.from, c.found = i, i
		for c.found < len(m.text) && m.text[c.found] != '@' && (m.text[c.found] != '\n' || m.depth(c.found) > 0) {
			c.found++
		}
		m.cost += c.found - i
	}
	if m.at(m.ats.found) != '@' {
		return -1
	}
	return m.ats.found
}

func setOf(chars string) *[256]bool {
	var set [256]bool
	for i := range len(chars) {
		set[chars[i]] = true
	}
	return &set
}

// spaces returns where the white space at i ends, and comments in it.
func (m *masker) spaces(i int) int {
	for i < len(m.text) && isSpace(m.text[i]) {
		i++
	}
	if i+1 < len(m.text) && m.text[i] == '/' && m.text[i+1] == '*' {
		if n := strings.Index(m.text[i:min(len(m.text), i+maxLook)], "*/"); n > 0 {
			m.cost += n
			return m.spaces(i + n + len("*/"))
		}
	}
	return i
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// at returns the byte at i, 0 beyond the text.
func (m *masker) at(i int) byte {
	if i < 0 || i >= len(m.text) {
		return 0
	}
	return m.text[i]
}
