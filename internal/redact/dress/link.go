// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"
	"unicode/utf8"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

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
	glued bool // in quotes that stand right behind the name
}

const (
	maxFiller = 5 // words between a name and its value
	maxAside  = 40
	maxCell   = 3 // words
)

// linkOf finds what binds a value to s.
func (m *Masker) linkOf(s *subject) link {
	t := m.Text
	i := m.parameters(s, m.closers(s))
	for range maxFiller {
		j := m.Led(i, m.Spaces(i))
		if j >= len(t) {
			break
		}
		if op := m.Operator(j); op == ">" && (j > i || view.IsQuote(m.At(j-1))) { // a comparison; the end of a tag
			return link{}
		} else if op != "" {
			return m.operated(s, j, op)
		}
		gap := t[i:j]
		line := strings.IndexByte(gap, '\n') >= 0
		next := m.Spaces(j + 1)
		switch c := t[j]; {
		case s.flag && (c == ',' || line && strings.HasPrefix(t[j:], "- ")), // the next item of a list
			c == '.' && next > j+1 && gap != "" && strings.IndexByte("(:", m.At(s.start-1)) >= 0: // a pair of Lisp
			return link{bond: assigned, value: next}
		case s.flag && c == '-' && !view.IsDigits(string(m.At(j+1))), c == '(' && m.At(j-1) == ']', // the latter is a link of Markdown
			c == '|' && (m.At(s.start-1) == '$' || words.Mixed(s.word)), // echo $PASSWORD | cat, echo Password1 | cat
			s.quote != 0 && view.HasFold(t[j:], "to "):                  // renamed "authToken" to "apiKey"
			return link{}
		case s.flag && gap != "" && (s.quote == 0 || view.IsQuote(c)), strings.HasPrefix(t[j:], "<<"):
			return link{bond: assigned, value: j, line: line}
		case c == ',' && (s.quote != 0 || strings.IndexByte("{:", m.At(s.start-1)) >= 0): // an atom of Erlang, a symbol of Ruby
			return link{bond: paired, value: next}
		case c == ',', c == ';' && gap == "" && next == j+1, (c == '-' || c == '/') && view.IsSpace(m.At(j+1)) && gap != "":
			return link{bond: spaced, value: next}
		case c == ';' && s.quote != 0: // s:8:"password";s:7:"hunter2" as PHP keeps it
			value, _, _ := strings.Cut(t[j:min(len(t), j+12)], `"`)
			if strings.Count(value, ":") == 2 {
				return link{bond: assigned, value: j + len(value)}
			}
		case c == '|' && strings.IndexByte(t[j:next], '\n') < 0: // a cell of a table
			return m.cellAt(s, next)
		case gap == "" && s.quote == 0 &&
			(c == '(' || c == '{' && view.IsQuote(m.At(j+1)) || s.strength == words.Sure && j == s.end && m.isBracketed(link{}, j)):
			return link{bond: called, value: next}
		case c == '(', c == '[' && gap != "": // password (required): hunter2
			if i = m.Closing(j, j+maxAside) + 1; i == 0 || m.Operator(m.Spaces(i)) == "" || strings.ContainsAny(t[j:i], "\"'`") {
				return link{bond: spaced, value: j}
			}
		case (strings.IndexByte(gap, '\t') >= 0 || len(gap) > 2) && !line: // columns
			return link{bond: colon, value: j}
		case gap == "" && s.quote == 0:
			return m.gluedTo(s, j)
		case view.Lower(c) != 0 && (s.quote == 0 || view.HasFold(t[j:], "of ")):
			next, fills := m.filler(s, j)
			if i = next; !fills {
				return link{bond: spaced, value: j, line: line}
			} else if i < 0 {
				return link{}
			}
		default: // perhaps "password" with value "hunter2", "password" is hunter2
			return link{bond: spaced, value: m.Spaces(max(m.Sentence(j), m.Neutral(j))), line: line}
		}
	}
	return link{}
}

var verbs = words.Set("change")

// cellAt is the link to the next cell of a table, at i.
func (m *Masker) cellAt(s *subject, i int) link {
	cell, _ := view.CutAny(m.Text[i:min(len(m.Text), i+page.MaxLook)], "|\n")
	switch {
	case len(strings.Fields(cell)) > maxCell:
		return link{}
	case s.strength > words.Weak:
		return link{bond: assigned, value: i}
	}
	return link{bond: colon, value: i}
}

// gluedTo is the link of s, a name that is not in ASCII, to what is in quotes at i right behind it: パスワード「hunter2」.
func (m *Masker) gluedTo(s *subject, i int) link {
	if i != s.end || s.quote != 0 || !view.IsQuote(m.At(i)) || m.Text[i-1] < utf8.RuneSelf || !view.IsAlnum(m.At(i+1)) {
		return link{}
	}
	return link{bond: spaced, value: i, glued: true}
}

// closers returns where what belongs to the dress of the name s ends: quotes, brackets, an index, stars.
func (m *Masker) closers(s *subject) int {
	i := s.end
	before := m.At(s.start - 1)
	if s.quote != 0 && m.At(s.end+1) == ')' && m.Operator(m.Spaces(s.end+2)) != "" { // Some("password") => Some("hunter2")
		before = m.At(s.start - 2)
	}
	for range 6 {
		switch c := m.At(i); {
		case strings.HasPrefix(m.Text[i:], "'s "): // password's hunter2
			return i + len("'s")
		case view.IsQuote(c) && m.gluedTo(s, i).bond == unbound, c == ']', c == '*', c == '_', c == ')' && before == '(',
			c == '}' && before == '{', c == '%' && before == '%', c == '!' && m.At(i+1) == ':':
		case c == ':': // ["password":protected], ["password":"Db":private], as PHP prints members
			member, _, _ := strings.Cut(m.Text[i:min(len(m.Text), i+maxAside)], "]")
			if !strings.HasSuffix(member, ":protected") && !strings.HasSuffix(member, ":private") {
				return i
			}
			i += len(member) - 1
		case c == '[' && i == s.end:
			end := strings.IndexByte(m.Text[i:min(len(m.Text), i+16)], ']')
			if end < 0 || end > 1 && !view.IsDigits(m.Text[i+1:i+end]) && !view.IsQuote(m.At(i+1)) { // passwords["bob"]
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

// operated is the link that the operator at i makes.
func (m *Masker) operated(s *subject, i int, op string) link {
	t := m.Text
	l := link{bond: assigned, value: i + len(op)}
	if strings.HasPrefix(t[l.value:], "** ") { // **Password:** hunter2
		l.value += len("**")
	}
	for strings.HasPrefix(t[l.value:], "…") {
		l.value += len("…")
	}
	for strings.IndexByte(".:", m.At(l.value)) >= 0 && (op == "..." || op == "…" || op == ":" && m.At(l.value) == ':') {
		l.value++
	}
	l.value = m.Spaces(l.value)
	l.line = strings.IndexByte(t[i:l.value], '\n') >= 0
	switch op {
	case "?", "??", "||", "~":
		l.bond = spaced
	case ":", ">", "...", "…":
		if s.quote == 0 && (!s.flag || l.value > i+1) {
			l.bond = colon
		}
	}
	if op == ":" { // a type may come first: password: str = "hunter2"
		end := l.value
		for end < len(t) && end-l.value < maxAside && (view.IsNameByte(t[end]) || strings.IndexByte("&?*[] ", t[end]) >= 0) {
			end++
		}
		if op := m.Operator(end); end > l.value && t[end-1] == ' ' && (op == "=" || op == ":=") {
			from := m.Spaces(end + len(op))
			kind := t[l.value : end-1]
			if one := !strings.Contains(kind, " "); from > end+len(op) && (one && !words.Mixed(kind) || !one && view.IsQuote(m.At(from))) {
				return link{bond: assigned, value: from}
			}
		}
	}
	return l
}

// filler looks at the word at i, behind a name, and reports whether it stands between that and a value; then it returns
// where to go on, -1 if with this word the name means something else.
func (m *Masker) filler(s *subject, i int) (next int, fills bool) {
	t := m.Text
	end := i
	for end < len(t) && view.IsAlnum(t[end]) {
		end++
	}
	m.Cost += end - i
	r := words.Role(0)
	if !view.IsNameByte(m.At(end)) || m.At(end) == '.' && !view.IsNameByte(m.At(end+1)) {
		r = words.Roles(strings.ToLower(t[i:end]))
	}
	if next := m.Sentence(i); next > i {
		return next, true
	}
	after := m.Spaces(end)
	switch {
	case end == i+1 && view.IsDigits(t[i:end]) && m.At(end) == ' ' && s.strength > words.Weak, // password 7 hunter2
		view.HasFold(t[i:], "id ") && view.HasFold(s.word, "session") && m.Operator(after) == "", // session ID hunter2
		view.HasFold(t[i:], "from ") && view.IsQuote(m.At(after)) && quoting[words.LastWord(m.LineBefore(s.start, page.MaxScheme))] &&
			words.Mixed(t[after:m.Quoted(after).Next]), // cannot parse password from "hunter2"
		r&words.IsNeutral != 0:
		return end, true
	case r&words.IsFact != 0 && (view.HasFold(t[after:], "to ") || view.HasFold(t[after:], "from ")): // password changed to hunter2
		return m.NameEndAt(after), true
	case r&words.IsGiven != 0 && (m.States(after) || view.IsQuote(m.At(after)) || strings.IndexByte("([,", m.At(after)) >= 0),
		r&words.IsOf != 0 && m.At(after) == '(' && view.IsQuote(m.At(after+1)):
		// the password used was hunter2, the password entered (hunter2), password IN ('hunter2')
		if word := m.NameEndAt(after); word > after {
			end = word
		}
		return end, true
	case r&words.IsFact != 0:
		return -1, true
	case r&words.IsOf != 0: // password for bob: hunter2
		v, _ := m.Word(after, true)
		if s.strength == words.Sure && view.HasFold(t[m.Spaces(v.Next):], "to ") && verbs[words.LastWord(m.LineBefore(s.start, maxAside))] {
			if view.HasFold(t[i:], "from ") && words.Mixed(t[v.Start:v.End]) { // changed password from hunter1 to hunter2
				m.Hide(v.Start, v.End)
			}
			return v.Next, true
		}
		if view.IsQuote(m.At(after)) { // for 'https://bob@host':
			return v.Next, m.At(v.Next) == ':' || m.States(m.Spaces(v.Next))
		}
		for range 3 {
			for end = m.Spaces(end); end < len(t) && !view.IsSpace(t[end]) && t[end] != ':' && t[end] != '='; end++ {
			}
			if m.States(m.Spaces(end)) && !strings.Contains(t[i:end], `","`) { // the next member of JSON
				return end, true
			}
		}
		return -1, true
	}
	// password nvarchar(50) = "hunter2"
	if inner := m.Closing(end, end+16); m.At(end) == '(' && inner > 0 {
		end = inner + 1
	}
	j := m.Spaces(end)
	return end, m.At(j) == '=' && j > end
}
