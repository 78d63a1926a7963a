// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// commands have an option of one letter for a password, and that letter; a plus: the value may be glued to it.
var commands = func() map[string]string {
	table := map[string]string{}
	for _, s := range words.List("command") {
		name, letters, _ := strings.Cut(s, "=")
		table[name] = letters
	}
	return table
}()

// users are names of a user and of options for one, and ofUser the letters of the options for passwords that may follow one.
var users = words.Set("user")

const ofUser = "pPw"

// commandLine is what is known of a command line that is gone through.
type commandLine struct {
	seen    int // up to where
	letters string
	user    bool // it has an option for a user
}

// lettersAt returns the letters of the options for passwords of the command that has its options at i.
func (m *Masker) lettersAt(i int) string {
	c := &m.command
	for j := max(c.seen, i-page.MaxLook); j < i; j++ {
		switch b := m.Text[j]; {
		case b == '\n' || b == '|' || b == ';':
			c.letters, c.user = "", false
		case view.IsNameByte(b):
			end := m.NameEndAt(j)
			word := m.Text[j:min(end, i)]
			if letters, ok := commands[word]; ok {
				c.letters = letters
			}
			c.user = c.user || users[word]
			j = end
		}
	}
	c.seen = i
	if c.letters == "" && c.user {
		return ofUser
	}
	return c.letters
}

// Option looks at the option of a command of which the dashes are from i to n: those with a name of their own are looked
// at as any name; here, those of one letter, and user:password. It returns where to go on.
func (m *Masker) Option(i, n int) int {
	t := m.Text
	if i > 0 && !view.IsSpace(t[i-1]) && strings.IndexByte("\"'[(,`", t[i-1]) < 0 || n-i > 2 || !view.IsLetter(m.At(n)) {
		return n
	}
	end := m.NameEndAt(n)
	letter := t[n]
	user := letter == 'u' || letter == 'U'
	if n-i == 2 {
		switch t[n:end] {
		case "user", "proxy-user", "userpass", "basic-auth", "creds":
		default:
			return n
		}
	} else {
		glued := end > n+1
		letters := m.lettersAt(i)
		if known := strings.IndexByte(letters, letter) >= 0; !known && !user || glued && (!known || letters[0] != '+') {
			return n
		}
		end = n + 1
		port := letters == ofUser && view.IsDigits(m.Text[m.blanks(end):m.NameEndAt(m.blanks(end))])
		if port {
			return n
		}
	}
	s := subject{start: n, end: end, word: t[n:end], strength: words.Sure, flag: true}
	if q := m.At(i - 1); view.IsQuote(q) && m.At(end) == q {
		s.quote = q
	}
	l := m.linkOf(&s)
	if !view.IsSpace(m.At(end)) && s.quote == 0 && t[n:end] != "user" {
		l = link{bond: assigned, value: end}
	}
	v, ok := m.valueAt(&s, l)
	text := t[v.Start:min(v.End, v.Start+page.MaxLook)]
	switch name, secret := cutAny(text, ":%,"); {
	case !ok, l.bond == unbound, text == "", words.IsNothing(text), view.IsDigits(name) && view.IsDigits(secret): // an ID, or a port
		return n
	case strings.ContainsAny(name, "/{"), (user || n-i == 2) && (secret == "" || strings.HasPrefix(secret, "//")):
		return n
	}
	m.Hide(v.Start, v.End)
	return v.Next
}

// cutAny cuts s at the first byte that is one of chars.
func cutAny(s, chars string) (before, after string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// verb masks what follows if the name s begins a command of a protocol, or a part of a statement, that carries a
// credential. It returns where to go on, 0 if there is nothing.
func (m *Masker) verb(s *subject) int {
	t := m.Text
	if strings.EqualFold(s.word, "identified") {
		return m.identified(s)
	}
	if !verbs[s.word] || !view.IsSpace(m.At(s.end)) {
		return 0
	}
	switch line := strings.TrimRight(t[max(0, s.start-page.MaxScheme):s.start], " "); {
	case s.word == "SETUSER":
		return m.setUser(s)
	case s.word == "LOGIN" && line != "" && view.IsDigits(line[len(line)-1:]): // behind a tag
	case (s.word == "LOGIN" || s.word == "USER") && !m.isPlainLogin(s):
		return 0
	}
	last := 0
	from := m.Spaces(s.end)
	if m.At(from) == '$' { // its length, as Redis sends it
		from = m.Spaces(m.NameEndAt(from + 1))
	}
	for i, n := from, 0; n < 3 && i < len(t); n++ {
		v, ok := m.valueAt(s, link{bond: spaced, value: i})
		text := t[v.Start:min(v.End, v.Start+page.MaxLook)]
		l := words.LookAt(text)
		known := mechanism[strings.ToLower(text)]
		if !ok || text == "" || !known && (words.Roles(strings.ToLower(text))&words.IsFact != 0 || words.IsProse(text) || words.IsPlainFact(text, &l)) {
			break
		}
		if !known {
			m.Hide(v.Start, v.End)
			last = v.Next
		}
		if m.At(v.Next) != ' ' {
			break
		}
		i = v.Next + 1
	}
	return last
}

// isPlainLogin reports whether behind LOGIN come two words to the end of the line, and no sentence.
func (m *Masker) isPlainLogin(s *subject) bool {
	i := s.end
	for n := range 2 {
		from := m.blanks(i)
		v, ok := m.valueAt(s, link{bond: spaced, value: from})
		text := strings.ToLower(m.Text[v.Start:min(v.End, v.Start+page.MaxLook)])
		if !ok || words.IsProse(text) || words.Roles(text) != 0 || n == 0 && m.At(v.Next) != ' ' || n > 0 && s.word == "USER" && !words.Mixed(text) {
			return false
		}
		i = v.Next
	}
	return m.isAtLineEnd(i) || view.IsQuote(m.At(i))
}

// setUser masks the passwords in a rule of Redis: ACL SETUSER bob on >hunter2.
func (m *Masker) setUser(s *subject) (next int) {
	for i := s.end; !m.isAtLineEnd(i); {
		i = m.blanks(i)
		end := m.Bare(i, m.Depth(i), true)
		if c := m.At(i); end > i+1 && (c == '>' || c == '<' || c == '#') {
			m.Hide(i+1, end)
		}
		if end <= i {
			break
		}
		i, next = end, end
	}
	return next
}

// identified masks the password in IDENTIFIED BY 'hunter2' and its kin, of which s is the first word.
func (m *Masker) identified(s *subject) int {
	i := m.Spaces(s.end)
	by := false
	for range 6 {
		if view.IsQuote(m.At(i)) && !by { // WITH 'plugin'
			i = m.Spaces(m.Quoted(i).Next)
		}
		end := m.NameEndAt(i)
		word := strings.ToLower(m.Text[i:end])
		if by && word != "password" && word != "values" || !by && word == "" { // the value
			break
		}
		by = by || word == "by" || word == "using" || word == "as"
		i = m.Spaces(end)
	}
	v, ok := m.valueAt(s, link{bond: assigned, value: i})
	text := m.Text[v.Start:min(v.End, v.Start+page.MaxLook)]
	if !by || !ok || words.IsNothing(text) || !v.Quoted && s.word != "IDENTIFIED" && !words.Mixed(text) {
		return 0
	}
	m.Hide(v.Start, v.End)
	return v.Next
}

var verbs = words.Set("verb")

var mechanism = words.Set("mechanism")
