// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// bond is what binds a value to a name.
type bond uint8

const (
	unbound  bond = iota
	spaced        // password hunter2, the password is hunter2
	colon         // password: hunter2
	assigned      // password=hunter2, "password": "hunter2", --password hunter2
	paired        // ["password", "hunter2"]
	called        // setPassword("hunter2")
)

// link is what is between a name and its value.
type link struct {
	bond  bond
	value int  // where the value begins
	line  bool // in another line
}

const (
	maxFiller = 5 // words between a name and its value
	maxAside  = 40
	maxCell   = 3 // words
)

// linkOf finds what binds a value to s.
func (m *masker) linkOf(s *subject) link {
	t := m.text
	i := m.closers(s)
	for range maxFiller {
		j := m.spaces(i)
		if j >= len(t) {
			break
		}
		if op := m.operator(j); op == ">" && j > i { // a comparison
			return link{}
		} else if op != "" {
			return m.operated(s, j, op)
		}
		gap := t[i:j]
		line := strings.IndexByte(gap, '\n') >= 0
		next := m.spaces(j + 1)
		switch c := t[j]; {
		case s.flag && c == '-' && !isDigits(string(m.at(j+1))), c == ',' && s.quote == 0 && !s.flag && !m.isAtom(s) && isQuote(m.at(next)):
			return link{}
		case s.flag && c == ',', c == '.' && next > j+1 && gap != "" && m.at(s.start-1) == '(': // the latter is a pair of Lisp
			return link{bond: assigned, value: next}
		case s.flag && gap != "" && (s.quote == 0 || isQuote(c)), strings.HasPrefix(t[j:], "<<"):
			return link{bond: assigned, value: j}
		case c == ',' && (s.quote != 0 || m.isAtom(s)):
			return link{bond: paired, value: next}
		case c == ',', c == '-' && isSpace(m.at(j+1)) && gap != "":
			return link{bond: spaced, value: next}
		case c == ';' && s.quote != 0 && m.serialized(j) > 0:
			return link{bond: assigned, value: m.serialized(j)}
		case c == '|' && strings.IndexByte(t[j:next], '\n') < 0: // a cell of a table
			return m.cellAt(s, next)
		case c == '(' && m.at(j-1) == ']': // a link of Markdown
			return link{}
		case (c == '(' || c == '{' && isQuote(m.at(j+1))) && gap == "" && s.quote == 0:
			return link{bond: called, value: next}
		case c == '(', c == '[' && gap != "": // password (required): hunter2
			if i = m.closing(j, j+maxAside) + 1; i == 0 || m.operator(m.spaces(i)) == "" {
				return link{bond: spaced, value: j}
			}
		case (strings.IndexByte(gap, '\t') >= 0 || len(gap) > 2) && !line: // columns
			return link{bond: colon, value: j}
		case gap == "" && s.quote == 0:
			return link{}
		case lower(c) != 0 && s.quote == 0:
			next, fills := m.filler(s, j)
			if i = next; !fills {
				return link{bond: spaced, value: j, line: line}
			} else if i < 0 {
				return link{}
			}
		default:
			return link{bond: spaced, value: j, line: line}
		}
	}
	return link{}
}

// isAtom reports whether s is an atom of Erlang, or a symbol of Ruby.
func (m *masker) isAtom(s *subject) bool {
	return m.at(s.start-1) == '{' || m.at(s.start-1) == ':'
}

// cellAt is the link to the next cell of a table, at i.
func (m *masker) cellAt(s *subject, i int) link {
	cell, _ := cutAny(m.text[i:min(len(m.text), i+maxLook)], "|\n")
	switch {
	case len(strings.Fields(cell)) > maxCell:
		return link{}
	case s.strength > weak:
		return link{bond: assigned, value: i}
	}
	return link{bond: colon, value: i}
}

// serialized returns where the value begins of which PHP says the type and the length, behind the semicolon at i; 0 if none does.
func (m *masker) serialized(i int) int {
	const longest = 12
	before, _, found := strings.Cut(m.text[i:min(len(m.text), i+longest)], `"`)
	if !found || strings.Count(before, ":") != 2 {
		return 0
	}
	return i + len(before)
}

// closers returns where what belongs to the dress of the name s ends: quotes, brackets, an index, stars.
func (m *masker) closers(s *subject) int {
	i := s.end
	before := m.at(s.start - 1)
	for n := 0; n < 6; n++ {
		switch c := m.at(i); {
		case isQuote(c), c == ']', c == '*', c == ')' && before == '(', c == '}' && before == '{', c == '%' && before == '%':
		case c == '[' && i == s.end:
			end := strings.IndexByte(m.text[i:min(len(m.text), i+16)], ']')
			if end < 0 || end > 1 && !isDigits(m.text[i+1:i+end]) {
				return i
			}
			i += end
		default:
			return i
		}
		i++
	}
	return i
}

var (
	operators     = section("operator")
	operatorBytes = func() *[256]bool {
		first := ""
		for _, op := range operators {
			first += op[:1]
		}
		return setOf(first)
	}()
)

// operator returns the operator at i, "" if there is none.
func (m *masker) operator(i int) string {
	if !operatorBytes[m.at(i)] {
		return ""
	}
	for _, op := range operators {
		if strings.HasPrefix(m.text[i:], op) {
			if op == ":" && (strings.HasPrefix(m.text[i:], "://") || strings.HasPrefix(m.text[i:], "::") && !isSpace(m.at(i+2))) {
				return ""
			}
			if op == "-->" && m.at(i+len(op)) == '>' { // of a diagram
				return ""
			}
			return op
		}
	}
	return ""
}

// operated is the link that the operator at i makes.
func (m *masker) operated(s *subject, i int, op string) link {
	t := m.text
	l := link{bond: assigned, value: i + len(op)}
	if strings.HasPrefix(t[l.value:], "** ") { // **Password:** hunter2
		l.value += len("**")
	}
	for op == "..." && m.at(l.value) == '.' || op == ":" && m.at(l.value) == ':' {
		l.value++
	}
	if q := m.at(s.start - 1); isQuote(q) && s.quote == 0 && m.at(l.value) == q { // 'password:' hunter2
		l.value++
	}
	l.value = m.spaces(l.value)
	l.line = strings.IndexByte(t[i:l.value], '\n') >= 0
	switch op {
	case "?":
		l.bond = spaced
	case ":", ">", "...", "…":
		if s.quote == 0 && !s.flag {
			l.bond = colon
		}
	}
	if op == ":" { // a type may come first: password: str = "hunter2"
		end := l.value
		for end < len(t) && end-l.value < maxAside && (isNameByte(t[end]) || strings.IndexByte("&?*[] ", t[end]) >= 0) {
			end++
		}
		if op := m.operator(end); end > l.value && t[end-1] == ' ' && (op == "=" || op == ":=") {
			from := m.spaces(end + len(op))
			if oneWord := !strings.Contains(t[l.value:end-1], " "); from > end+len(op) && (oneWord || isQuote(m.at(from))) {
				return link{bond: assigned, value: from}
			}
		}
	}
	return l
}

// filler looks at the word at i, behind a name, and reports whether it stands between that and a value; then it returns
// where to go on, -1 if with this word the name means something else.
func (m *masker) filler(s *subject, i int) (next int, fills bool) {
	t := m.text
	end := i
	for end < len(t) && isAlnum(t[end]) {
		end++
	}
	m.cost += end - i
	r := role(0)
	if !isNameByte(m.at(end)) || m.at(end) == '.' && !isNameByte(m.at(end+1)) {
		r = rolesOf(strings.ToLower(t[i:end]))
	}
	switch {
	case end == i+1 && isDigits(t[i:end]) && m.at(end) == ' ' && s.strength > weak, // password 7 hunter2
		r&isNeutral != 0:
		return end, true
	case r&isFact != 0 && hasFold(t[m.spaces(end):], "to "): // password changed to hunter2
		return m.spaces(end) + len("to"), true
	case r&isFact != 0:
		return -1, true
	case r&isOf != 0 && isQuote(m.at(m.spaces(end))): // set password to "hunter2"
		return end, true
	case r&isOf != 0: // password for bob: hunter2
		for range 3 {
			for end = m.spaces(end); end < len(t) && !isSpace(t[end]) && t[end] != ':' && t[end] != '='; end++ {
			}
			j := m.spaces(end)
			if op := m.operator(j); op == ":" || op == "=" || hasFold(t[j:], "is ") || hasFold(t[j:], "was ") {
				return end, true
			}
		}
		return -1, true
	}
	// password nvarchar(50) = "hunter2"
	if inner := m.closing(end, end+16); m.at(end) == '(' && inner > 0 {
		end = inner + 1
	}
	j := m.spaces(end)
	return end, m.at(j) == '=' && j > end
}
