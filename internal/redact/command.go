// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// commands have an option of one letter for a password, and that letter; a plus: the value may be glued to it.
var commands = func() map[string]string {
	table := map[string]string{}
	for _, s := range section("command") {
		name, letters, _ := strings.Cut(s, "=")
		table[name] = letters
	}
	return table
}()

// commandLine is what is known of a command line that is gone through.
type commandLine struct {
	seen    int // up to where
	letters string
}

// lettersAt returns the letters of the options for passwords of the command that has its options at i.
func (m *masker) lettersAt(i int) string {
	c := &m.command
	for j := max(c.seen, i-maxLook); j < i; j++ {
		switch b := m.text[j]; {
		case b == '\n' || b == '|' || b == ';':
			c.letters = ""
		case isNameByte(b):
			end := m.nameEndAt(j)
			if letters, ok := commands[m.text[j:min(end, i)]]; ok {
				c.letters = letters
			}
			j = end
		}
	}
	c.seen = i
	return c.letters
}

// option looks at the option of a command of which the dashes are from i to n: those with a name of their own are looked
// at as any name; here, those of one letter, and user:password. It returns where to go on.
func (m *masker) option(i, n int) int {
	t := m.text
	if i > 0 && !isSpace(t[i-1]) && strings.IndexByte("\"'[(,`", t[i-1]) < 0 || n-i > 2 || !isLetter(m.at(n)) {
		return n
	}
	end := m.nameEndAt(n)
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
	}
	s := subject{start: n, end: end, word: t[n:end], strength: sure, flag: true}
	if q := m.at(i - 1); isQuote(q) && m.at(end) == q {
		s.quote = q
	}
	l := m.linkOf(&s)
	if !isSpace(m.at(end)) && s.quote == 0 && t[n:end] != "user" {
		l = link{bond: assigned, value: end}
	}
	v, ok := m.valueAt(&s, l)
	text := t[v.start:min(v.end, v.start+maxLook)]
	switch name, secret := cutAny(text, ":%,"); {
	case !ok, l.bond == unbound, text == "", isNothing(text), isDigits(name) && isDigits(secret): // an ID, or a port
		return n
	case strings.ContainsAny(name, "/{"), (user || n-i == 2) && (secret == "" || strings.HasPrefix(secret, "//")):
		return n
	}
	m.mask(v.start, v.end)
	return v.next
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
func (m *masker) verb(s *subject) int {
	t := m.text
	if strings.EqualFold(s.word, "identified") {
		return m.identified(s)
	}
	if !verbs[s.word] || !isSpace(m.at(s.end)) {
		return 0
	}
	line := strings.TrimRight(t[max(0, s.start-maxScheme):s.start], " ")
	if s.word == "LOGIN" && (line == "" || !isDigits(line[len(line)-1:])) { // its tag comes first
		return 0
	}
	last := 0
	from := m.spaces(s.end)
	if m.at(from) == '$' { // its length, as Redis sends it
		from = m.spaces(m.nameEndAt(from + 1))
	}
	for i, n := from, 0; n < 3 && i < len(t); n++ {
		v, ok := m.valueAt(s, link{bond: assigned, value: i})
		text := t[v.start:min(v.end, v.start+maxLook)]
		l := lookAt(text)
		known := mechanism[strings.ToLower(text)]
		if !ok || text == "" || !known && (isProse(text) || isPlainFact(text, &l)) {
			break
		}
		if !known {
			m.mask(v.start, v.end)
			last = v.next
		}
		if m.at(v.next) != ' ' {
			break
		}
		i = v.next + 1
	}
	return last
}

// identified masks the password in IDENTIFIED BY 'hunter2' and its kin, of which s is the first word.
func (m *masker) identified(s *subject) int {
	i := m.spaces(s.end)
	by := false
	for range 6 {
		if isQuote(m.at(i)) && !by { // WITH 'plugin'
			i = m.spaces(m.quoted(i).next)
		}
		end := m.nameEndAt(i)
		word := strings.ToLower(m.text[i:end])
		if by && word != "password" && word != "values" || !by && word == "" { // the value
			break
		}
		by = by || word == "by" || word == "using" || word == "as"
		i = m.spaces(end)
	}
	v, ok := m.valueAt(s, link{bond: assigned, value: i})
	text := m.text[v.start:min(v.end, v.start+maxLook)]
	if !by || !ok || isNothing(text) || !v.quoted && s.word != "IDENTIFIED" && !mixed(text) {
		return 0
	}
	m.mask(v.start, v.end)
	return v.next
}
