// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"strconv"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// position is where a command, or a line of a configuration, has its credential.
type position struct {
	words  []string // behind the first one
	places string   // which arguments it is; 9: the last one, if an option says that it is there
	vague  bool     // the words may be those of a sentence
}

const theLast = "9"

// positions are by the first word, in lower case.
var positions = func() map[string][]position {
	table := map[string][]position{}
	for command, nth := range words.Table("positional") {
		all := strings.Split(command, "/")
		places, vague := strings.CutSuffix(nth, "?")
		table[all[0]] = append(table[all[0]], position{all[1:], places, vague})
	}
	return table
}()

// positional masks the credential that has its place in the command that s begins. It returns where to go on, 0 if there is none.
func (m *Masker) positional(s word) int {
	for _, p := range positions[strings.ToLower(s.text)] {
		i, found := s.end, true
		for _, word := range p.words {
			from := m.next(i)
			if view.IsQuote(m.At(from)) {
				from++
			}
			end := m.NameEndAt(from)
			begin, isOpen := strings.CutSuffix(word, "*")
			found = found && from > i && from < len(m.Text) && view.HasFold(m.Text[from:], begin) && (isOpen || end == from+len(word))
			for isOpen && end < len(m.Text) && end-from < words.MaxName && !view.IsSpace(m.Text[end]) && m.Text[end] != '"' {
				end++
			}
			i = end
		}
		if !found {
			continue
		}
		m.Keys++
		if next := m.argument(i, p); next > 0 {
			return next
		}
	}
	return 0
}

// argument masks the arguments of p, of those from i on in this line. Options don't count, and one digit says how the next is encrypted.
func (m *Masker) argument(i int, p position) (next int) {
	const most = 12
	certain := strings.HasSuffix(strings.TrimRight(m.LineBefore(i, page.MaxScheme), " "+view.Alphabet), ":") // bob : EAP "hunter2"
	n, last, given := 0, page.Value{}, false
	for range most {
		from := m.next(i)
		v, ok := m.Word(from, true)
		if from == i || !ok || m.isAtLineEnd(from) || strings.IndexByte("|;>", m.At(from)) >= 0 {
			break
		}
		v = m.single(from, v)
		text := m.Text[v.Start:min(v.End, v.Start+page.MaxLook)]
		i = v.Next
		switch {
		case text == "" && !v.Quoted:
			return next
		case text == "*":
		case text != "" && text[0] == '-':
			given = given || text[1:] != "" && text[1] != '-' && strings.Contains(text, "b")
		case len(text) == 1 && m.At(i) == ':': // a drive of Windows
			i++
		case m.isWindowsOption(from) && strings.LastIndexByte(text, '/') == 0, len(text) == 1 && view.IsDigits(text):
			certain = true
		case p.places == theLast:
			if n++; n > 1 && !words.IsProse(text) && !words.IsNothing(text) {
				last = v
			} else if words.IsProse(text) {
				return 0
			}
		default:
			if n++; !strings.Contains(p.places, strconv.Itoa(n)) {
				continue
			}
			if words.IsProse(text) || text == "" || words.IsNothing(text) || words.Roles(strings.ToLower(text)) != 0 ||
				p.vague && !certain && !words.Mixed(text) && !m.isWindowsOption(m.Blanks(i)) {
				return next
			}
			m.Hide(v.Start, v.End)
			if next = v.Next; strings.HasSuffix(p.places, strconv.Itoa(n)) {
				return next
			}
		}
	}
	if given && last.End > 0 {
		m.Hide(last.Start, last.End)
		next = last.Next
	}
	return next
}

// next returns where the argument after the one that ends at i begins; i if there is none. They may be those of a list: ["a", "b"].
func (m *Masker) next(i int) int {
	comma := i
	if view.IsQuote(m.At(comma)) {
		comma++
	}
	if from := m.Blanks(comma + 1); m.At(comma) == ',' && view.IsQuote(m.At(from)) {
		return from
	}
	return m.Blanks(i)
}

// single returns the value v at i without what a language would glue to it: arguments of commands stand side by side.
func (m *Masker) single(i int, v page.Value) page.Value {
	if n, closing := m.Opening(i); view.IsQuote(m.At(i)) {
		v.Start, v.End = i+n, m.Closed(i+n, closing, m.Depth(i))
		v.Next = min(len(m.Text), v.End+len(closing))
	}
	return v
}

// isWindowsOption reports whether at i is an option as commands of Windows have it: net user bob hunter2 /add
func (m *Masker) isWindowsOption(i int) bool { return m.At(i) == '/' && view.IsLetter(m.At(i+1)) }

func (m *Masker) isAtLineEnd(i int) bool { return strings.IndexByte("\x00\n\r", m.At(i)) >= 0 }

// functions have the places of the arguments that are a credential, by the names of them in lower case.
var functions = words.Table("function")

// function masks the literals that have their place among the arguments of the function s. It returns where to go on, 0 if there is none.
func (m *Masker) function(s word) int {
	places, found := functions[strings.ToLower(s.text)]
	if !found { // createUser("bob", "hunter2"), change_password
		quoted := view.IsQuote(m.At(m.Spaces(s.end + 1)))
		if places = "2"; !quoted || !accountNouns[words.LastWord(s.text)] || !accountVerbs[words.FirstWord(s.text)] {
			return 0
		}
	}
	return m.arguments(s.end+1, m.Closing(s.end, s.end+page.MaxLook), places)
}

var (
	accountVerbs = words.Set("account verb")
	accountNouns = words.Set("account noun")
)

// procedure masks the literals among the arguments of the procedure s, which has no parentheses: EXEC sp_addlogin 'bob', 'hunter2'
func (m *Masker) procedure(s word) int {
	places, found := functions[strings.ToLower(s.text)]
	if !found || !view.IsSpace(m.At(s.end)) {
		return 0
	}
	from := m.Spaces(s.end)
	line, _, _ := strings.Cut(m.Text[from:min(len(m.Text), from+page.MaxLook)], "\n")
	m.Cost += len(line)
	if !strings.ContainsAny(line, "'\"") || words.Roles(strings.ToLower(line[:m.NameEndAt(from)-from]))&words.IsFact != 0 { // login failed
		return 0
	}
	return m.arguments(from, from+len(line), places)
}

// arguments masks the literals that have these places among the arguments from one place to another.
func (m *Masker) arguments(from, end int, places string) (next int) {
	m.Keys++
	before := ""
	for n, cell := range m.Cells(from, end, ",;") {
		arg := strings.TrimLeft(m.Text[cell.Start:cell.End], " \t\n")
		isNew := view.HasFold(arg, "@new") || view.HasFold(arg, "@old")                                                 // of a procedure
		placed := strings.Contains(places, strconv.Itoa(n+1)) && !strings.HasPrefix(arg, "@") && !view.IsDigits(before) // of a port none is
		if isNew || placed {
			next = max(next, m.literal(cell.Start, cell.End, strings.HasSuffix(places, "?")))
		}
		before = arg
	}
	return next
}

// literal masks the string that is all there is from start to end, save what may be before its quotes. vague: if it
// looks like a credential.
func (m *Masker) literal(start, end int, vague bool) int {
	arg := m.Text[start:end]
	quote := strings.IndexAny(arg, "\"'`")
	if quote < 0 || len(strings.TrimSpace(arg[:quote])) > 1 && !strings.Contains(arg[:quote], "@") {
		return 0
	}
	v := m.Quoted(start + quote)
	text := m.Text[v.Start:v.End]
	label := strings.IndexByte(text, ' ') >= 0 && (vague || !words.Mixed(text))
	if text == "" || vague && !words.Mixed(text) || label || words.IsProse(text) || words.IsNothing(text) {
		return 0
	}
	m.Hide(v.Start, v.End)
	return v.Next
}
