// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"strings"
)

// subject is a name that means a credential, and what is around it.
type subject struct {
	start, end int // without what belongs to its dress
	word       string
	strength   strength
	flag       bool // an option of a command
	quote      byte // what it is in, as a whole
}

// nameBegins reports whether a name may be at i that means a credential.
func (m *masker) nameBegins(i int) bool {
	for _, f := range fragments[pairOf(m.text[i], m.at(i+1))] {
		if hasFold(m.text[i:], f) {
			return true
		}
	}
	return false
}

// hasFold reports whether s begins with prefix, which is in lower case.
func hasFold(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if c := s[i]; c != prefix[i] && lower(c) != prefix[i] {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return lower(c) != 0 || c == '_' || c == '-' || c == '.' || c >= 0x80
}

// nameEndAt returns where the name ends that i is in, or before.
func (m *masker) nameEndAt(i int) int {
	from := i
	for i < len(m.text) && i-from < maxName && isNameByte(m.text[i]) {
		i++
	}
	m.cost += i - from
	return i
}

// name looks at the name that has a fragment of one at i, and returns where to go on.
func (m *masker) name(i int) int {
	t := m.text
	start, end := i, m.nameEndAt(i)
	for start > m.nameEnd && i-start < maxName && isNameByte(t[start-1]) {
		start--
	}
	m.cost += i - start
	m.nameEnd = end
	s := subject{start: start, end: start + len(strings.TrimRight(t[start:end], ".-_"))}
	for s.start < s.end && strings.IndexByte("-_.", t[s.start]) >= 0 {
		s.flag = s.flag || t[s.start] == '-'
		s.start++
	}
	s.word = t[s.start:s.end]
	if s.word == "" || isFile(s.word) && !s.flag && strings.Count(s.word, ".") < 3 && m.at(m.spaces(end)) != '=' {
		return i + 1
	}
	if q := m.at(start - 1); isQuote(q) && m.at(s.end) == q && m.depth(s.end) <= m.depth(start-1) {
		s.quote = q
	}
	s.strength = strengthOf(s.word)
	m.widen(&s)
	next := m.scheme(&s)
	if next == 0 {
		next = m.verb(&s)
	}
	if next == 0 && s.strength != open {
		if m.keys++; s.strength > unsure {
			m.names++
		}
		if next = m.record(&s); next == 0 {
			next = m.valueOf(&s)
		}
		if next == 0 {
			m.table(&s)
			m.valueBefore(&s)
		}
	}
	m.nameEnd = max(m.nameEnd, next)
	return max(i+1, next)
}

// widen looks at the word before a name that alone doesn't say much: an API key, a pass phrase.
func (m *masker) widen(s *subject) {
	low := strings.ToLower(s.word)
	switch low {
	case "key", "keys", "phrase", "code", "string", "word", "secret", "passe":
	default:
		return
	}
	start := s.start - 1
	if c := m.at(start); c != ' ' && c != '\t' {
		return
	}
	for start > 0 && s.start-start < maxName/2 && isNameByte(m.text[start-1]) {
		start--
	}
	before := strings.ToLower(m.text[start : s.start-1])
	if owner := strings.Fields(strings.ToLower(m.text[max(0, start-maxAside):start])); rolesOf(before)&isOf != 0 && len(owner) > 0 {
		before = owner[len(owner)-1] // no object with key
	}
	switch {
	case before == "":
	case rolesOf(before)&isOpenKey != 0 && rolesOf(low)&isKey != 0:
		s.strength = open
	case low == "passe":
		if before == "de" { // mot de passe
			s.strength = sure
		}
	case low != "secret" || rolesOf(before)&isSecretKey != 0:
		s.start = start
		s.word = m.text[start:s.end]
		s.strength = strengthOf(s.word)
	}
}

// scheme masks what follows the name of a scheme of HTTP authentication, and returns where to go on, 0 if nothing does.
func (m *masker) scheme(s *subject) int {
	const most = 16 // white space and signs
	t := m.text
	bearer := strings.EqualFold(s.word, "bearer")
	if !bearer && !strings.EqualFold(s.word, "basic") && !strings.EqualFold(s.word, "negotiate") && !strings.EqualFold(s.word, "ntlm") {
		return 0
	}
	i := s.end
	for range 2 {
		from := i
		for i < len(t) && i-from < most && (isSpace(t[i]) || strings.IndexByte("+:=\"'", t[i]) >= 0) {
			i++
		}
		if i == from || !hasFold(t[i:], "token ") && !hasFold(t[i:], "token:") && !hasFold(t[i:], "token=") {
			break
		}
		i += len("token")
	}
	end := i
	for end < len(t) && (isNameByte(t[end]) || strings.IndexByte("~+/=|:%!$*", t[end]) >= 0) {
		end++
	}
	m.cost += end - s.end
	text := strings.TrimRight(t[i:end], ".:!|")
	switch first := strings.ToLower(text); {
	case text == "", i == s.end, isNothing(text), strings.HasPrefix(t[i:], Mask):
		return 0
	case bearer && !isQuote(t[i-1]) && (rolesOf(first) != 0 || isProse(first)):
		return 0
	case !bearer && (len(text) < 8 || !isBasic(text) && (len(text) < 16 || !opaque(text))):
		return 0
	}
	m.mask(i, i+len(text))
	return i + len(text)
}

// isBasic reports whether s is a user name and a password in base64.
func isBasic(s string) bool {
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return err == nil && strings.IndexByte(string(plain), ':') >= 0
}

func isQuote(c byte) bool {
	return c == '"' || c == '\'' || c == '`'
}
