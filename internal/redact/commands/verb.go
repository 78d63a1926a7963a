// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"iter"
	"maps"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// word is what a command begins with.
type word struct {
	start, end int
	text       string
}

// heads are the words that commands begin with, in lower case, and begins has the first two bytes of them and of the names of functions.
var heads, begins = func() (heads map[string]bool, begins [1 << 10]bool) {
	heads = map[string]bool{"identified": true}
	for _, all := range []iter.Seq[string]{
		maps.Keys(verbs), maps.Keys(schemes), maps.Keys(functions), maps.Keys(positions), maps.Keys(piped), maps.Keys(rowLeads),
		maps.Keys(placed),
	} {
		for word := range all {
			heads[strings.ToLower(word)] = true
		}
	}
	for _, all := range []map[string]bool{heads, accountVerbs} {
		for word := range all {
			begins[view.PairOf(word[0], word[1])] = true
		}
	}
	return heads, begins
}()

// placed are the rules for what stands behind a word that begins no command.
var placed = map[string]func(*Masker, word) int{
	"publish": (*Masker).published, "play": (*Masker).published, "app": (*Masker).streamed, "scope": (*Masker).streamed,
	"stream": (*Masker).quotedStream, "port": (*Masker).port,
	"streampath": (*Masker).streamPath, "seed": (*Masker).seed, "bip39": (*Masker).seed, "recovery": (*Masker).seed,
}

// Command masks the credential of the command that begins with the word at i, and returns where to go on; i if there is none.
func (m *Masker) Command(i int) int {
	if !begins[view.PairOf(m.At(i), m.At(i+1))] || !view.IsAlnum(m.At(i+1)) || view.IsNameByte(m.At(i-1)) && m.At(i-1) != '.' {
		return i
	}
	end := i + len(page.Trim(m.Text[i:m.NameEndAt(i)], ".-_"))
	s := word{i, end, m.Text[i:end]}
	if name := s.text[:max(0, len(s.text)-len(".exe"))]; view.HasFold(s.text[len(name):], ".exe") {
		s.text = name
	}
	if rest := m.Text[s.end:]; strings.HasPrefix(rest, "->__construct(") || strings.HasPrefix(rest, "::__construct(") { // of PHP
		s.end += len("->__construct")
	}
	if m.At(s.end) == '(' {
		return max(i, m.function(s))
	}
	if !heads[strings.ToLower(s.text)] {
		return i
	}
	if next := m.procedure(s); next > 0 {
		return next
	} else if option, reads := piped[s.text]; reads {
		m.reader = reader{s.end, option}
	}
	if m.At(i-1) == '.' { // a method, but no command
		return i
	}
	next := m.scheme(s)
	if next == 0 {
		next = m.verb(s)
	}
	if next == 0 {
		next = m.positional(s)
	}
	if next == 0 {
		next = m.row(s)
	}
	if rule := placed[strings.ToLower(s.text)]; next == 0 && rule != nil {
		next = rule(m, s)
	}
	return max(i, next)
}

// verb masks what follows if the name s begins a command of a protocol, or a part of a statement, that carries a
// credential. It returns where to go on, 0 if there is nothing.
func (m *Masker) verb(s word) int {
	t := m.Text
	if strings.EqualFold(s.text, "identified") {
		return m.identified(s)
	}
	if q := m.At(s.end); view.IsQuote(q) && m.At(s.start-1) == q && view.IsQuote(m.At(s.end+2)) { // "AUTH" "hunter2"
		s.end++
	}
	if rest := m.Text[s.end:]; verbs[s.text] && view.HasFold(rest, "', args: [") { // as clients of Redis print commands
		start := s.end + len("', args: [")
		m.Keys++
		end := m.Closing(start-1, start+page.MaxLook)
		m.Hide(start, end)
		return end
	}
	if !verbs[s.text] || !view.IsSpace(m.At(s.end)) {
		return 0
	}
	m.Keys++
	switch line := strings.TrimRight(t[max(0, s.start-page.MaxScheme):s.start], " "); {
	case s.text == "SETUSER":
		return m.setUser(s)
	case s.text == "LOGIN" && line != "" && view.IsDigits(line[len(line)-1:]): // behind a tag
	case (s.text == "LOGIN" || s.text == "USER" || users[s.text]) && !m.isPlainLogin(s):
		return 0
	}
	last := 0
	for i, n := m.Spaces(s.end), 0; n < 3 && i < len(t); n++ {
		if end := m.NameEndAt(i + 1); m.At(i) == '{' && m.At(end) == '}' && m.At(end+1) == '\n' ||
			m.At(i) == '$' && view.IsSpace(m.At(end)) {
			i = m.Spaces(end + 1) // its length comes first, as IMAP and Redis send it
		}
		v, ok := m.Word(i, true)
		text := t[v.Start:min(v.End, v.Start+page.MaxLook)]
		l := words.LookAt(text)
		known := mechanism[strings.ToLower(text)]
		fact := words.Roles(strings.ToLower(text))&words.IsFact != 0 || words.IsPlainFact(text, &l)
		if !ok || text == "" || !known && (fact || words.IsProse(text)) {
			break
		}
		if !known {
			m.Hide(v.Start, v.End)
			last = v.Next
		}
		if i = m.Spaces(v.Next); m.At(v.Next) != ' ' && m.At(i) != '$' {
			break
		}
	}
	return last
}

// isPlainLogin reports whether behind LOGIN come two words to the end of the line, and no sentence.
func (m *Masker) isPlainLogin(s word) bool {
	i := s.end
	for n := range 2 {
		from := m.Blanks(i)
		v, ok := m.Word(from, true)
		text := strings.ToLower(m.Text[v.Start:min(v.End, v.Start+page.MaxLook)])
		if !ok || words.IsProse(text) || words.Roles(text) != 0 || n == 0 && (m.At(v.Next) != ' ' || !view.IsAlnum(m.At(v.Start))) ||
			n > 0 && s.text != "LOGIN" && !words.Mixed(text) {
			return false
		}
		i = v.Next
	}
	return m.isAtLineEnd(i) || view.IsQuote(m.At(i))
}

// setUser masks the passwords in a rule of Redis: ACL SETUSER bob on >hunter2.
func (m *Masker) setUser(s word) (next int) {
	for i := s.end; !m.isAtLineEnd(i); {
		i = m.Blanks(i)
		end := m.Bare(i, m.Depth(i), true)
		if end <= i {
			break
		}
		if m.At(i) == '>' {
			m.Hide(i+1, end)
		}
		i, next = end, end
	}
	return next
}

// identified masks the password in IDENTIFIED BY 'hunter2' and its kin, of which s is the first word.
func (m *Masker) identified(s word) int {
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
	v, ok := m.Word(i, false)
	text := m.Text[v.Start:min(v.End, v.Start+page.MaxLook)]
	if !by || !ok || words.IsNothing(text) || !v.Quoted && s.text != "IDENTIFIED" && !words.Mixed(text) {
		return 0
	}
	m.Hide(v.Start, v.End)
	return v.Next
}

var verbs = words.Set("verb")

var mechanism = words.Set("mechanism")
