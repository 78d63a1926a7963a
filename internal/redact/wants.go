// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
)

// wants reports whether the value v of s is a credential.
func (m *masker) wants(s *subject, l link, v *value) bool {
	text := m.text[v.start:min(v.end, v.start+maxLook)]
	header := manyWords(s.word)
	switch {
	case isNothing(text), header && isProse(text) && isNothing(text[strings.LastIndexByte(text, ' ')+1:]):
		return false
	case strings.EqualFold(s.word, "pin"):
		return l.bond > spaced && isDigits(text) && len(text) >= 4 && len(text) <= 8
	}
	switch l.bond {
	case paired:
		return (m.isPair(s, v) || opaque(text)) && (s.strength > unsure || tokenLike(text))
	case called:
		return s.strength > unsure && !isSentence(text, 1) && (v.quoted || mixed(text) && !strings.ContainsAny(text, " ("))
	case spaced:
		return !v.bracket && m.wantsSpaced(s, l, v, text)
	case colon:
		certain := isIdentifier(s.word) && !isProse(text) || strings.ContainsAny(text, "\"'`(") || m.isLogin(s, v)
		if v.quoted || certain && (s.strength == weak || s.strength == noun) || s.strength < sure && !isProse(text) && m.isMember(s, v) {
			break
		}
		if next := m.at(v.next + 1); m.at(v.next) == ' ' && isLetter(next) && rolesOf(strings.ToLower(text))&(isWeak|isFact|isKey) != 0 {
			return false // jwt: signature is invalid
		}
		if header && isRemark(s.word, text) {
			return false
		}
		if isProse(text) && (!header || strings.IndexByte(text, ' ') < 0 || isSentence(text, 3)) {
			return false
		}
		switch s.strength {
		case sure:
			switch low := strings.ToLower(s.word); {
			case low == "pwd":
				return wantsAssigned(s, v, text)
			case low == "jwt" && m.at(v.next) == ' ' && isLetter(m.at(v.next+1)) && !m.pairFollows(v.next): // a sentence
				return mixed(text)
			}
			if isDigits(text) {
				return wantsAssigned(s, v, text)
			}
			return !l.line || mixed(text) || m.alone(v)
		case noun:
			return mixed(text) || len(text) > 24 || m.alone(v) && l.line
		case weak:
			return isToken(text)
		}
		return opaque(text) && !isID(text) && !strings.ContainsAny(text, "./: ")
	}
	return wantsAssigned(s, v, text)
}

func wantsAssigned(s *subject, v *value, text string) bool {
	l := lookAt(text)
	switch {
	case s.strength == unsure:
		return !v.bracket && isKeyValue(text)
	case v.bracket && s.strength == weak: // some words, rather than numbers
		return text[0] == '[' && strings.Trim(text, "0123456789.,:[](){}- \n\t") != "" || jumbled(text) ||
			strings.HasSuffix(strings.ToLower(s.word), "auth")
	case v.bracket:
		return l.letters() > 0
	case l.letters() == 0 && l.digits > 0 && (s.strength <= noun || strings.HasSuffix(s.word, "s") && l.digits < 4):
		return l.digits >= 6 && !strings.HasSuffix(s.word, "s")
	case s.strength == weak: // not what a function returns
		isCall := !v.quoted && strings.IndexByte(text, '(') > 0 && !strings.ContainsAny(text, "\"'`0123456789")
		return !isProse(text) && !isMeasure(text, &l) && !isFile(text) && !isCall
	}
	if isFile(text) && strings.HasSuffix(strings.ToLower(s.word), "key") { // where the key is
		return false
	}
	directory := strings.HasSuffix(strings.ToLower(s.word), "pwd") && strings.IndexByte("/~", text[0]) >= 0
	return !isSentence(text, 3) && !verdicts[strings.ToLower(text)] && !directory
}

// isKeyValue reports whether text, the value of a key of any kind, is a credential rather than the name of something.
func isKeyValue(text string) bool {
	l := lookAt(text)
	made := opaque(text) || tokenLike(text) && l.digits > 2 && !strings.ContainsAny(text, "-_")
	return made && !strings.ContainsAny(text, "./: (") && !isPairLike(text)
}

func (m *masker) wantsSpaced(s *subject, l link, v *value, text string) bool {
	text = strings.Trim(text, "*`_")
	switch {
	case isPairLike(text):
		return false
	case s.strength == sure && v.quoted:
		keyName := hasFold(s.word, "api ") // a key may have a name
		return !isSentence(text, 1) && !isFile(text) && !strings.Contains(text, `:"`) && (!keyName || mixed(text))
	case s.strength == sure:
		return (mixed(text) || m.isSetting(s, l, v) || m.isLogin(s, v)) && !isProse(text)
	case s.strength == unsure && v.quoted:
		return isKeyValue(text) && !isID(text)
	case s.strength == unsure:
		return opaque(text) && !isID(text) && !strings.ContainsAny(text, "./: ")
	case strings.EqualFold(s.word, "session") && isID(text): // its ID in Studio
		return false
	}
	look := lookAt(text)
	if s.strength == weak && m.isLogin(s, v) && !isProse(text) {
		return true
	}
	return opaque(text) && len(text) >= 12 || isID(text) && look.letters() > 0 && len(text) >= 32
}

// isProse reports whether text begins as a sentence goes on.
func isProse(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return prose[strings.ToLower(strings.Trim(word, ",.;!?'"))]
}

// isRemark reports whether text, behind the name of a header, are words about it.
func isRemark(name, text string) bool {
	all := strings.Fields(text)
	low := strings.ToLower(name)
	odd := func(word string) bool {
		l := lookAt(word)
		return mixed(word) || l.digits > 0 && l.letters() > 0 || strings.IndexByte(word, '=') >= 0
	}
	return len(all) > 2 && !strings.HasSuffix(low, "phrase") && !strings.HasSuffix(low, "mnemonic") && !slices.ContainsFunc(all, odd)
}

// isSentence reports whether text is the rest of a sentence, of at least so many words.
func isSentence(text string, least int) bool {
	const most = 8
	all := strings.Fields(text)
	for _, word := range all[:min(len(all), most)] {
		if mixed(word) || strings.IndexByte(word, '=') >= 0 {
			return false
		}
	}
	return len(all) >= least && isProse(text)
}

// isToken reports whether text, which follows a name that is an ordinary word too, is no sentence.
func isToken(text string) bool {
	l := lookAt(text)
	if isPlainFact(text, &l) || l.letters() == 0 && l.digits < 6 {
		return false
	}
	return l.digits > 0 || caseTurns(text)*3 >= len(text) || len(text) >= 24 || strings.ContainsAny(text, "+=~")
}

// isSetting reports whether s and v are all that is in a line, or s is a variable of the environment at the end of one.
func (m *masker) isSetting(s *subject, l link, v *value) bool {
	before := m.text[max(0, s.start-maxAside):s.start]
	m.cost += len(before)
	before = strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:])
	variable := strings.ToUpper(s.word) == s.word
	return isIdentifier(s.word) && strings.IndexByte(s.word, '-') < 0 && !l.line && s.quote == 0 && m.at(s.end) == ' ' &&
		(before == "" || strings.IndexByte(":\"", before[len(before)-1]) >= 0 || variable) && (m.alone(v) || m.at(v.next) == ';')
}

// isPairLike reports whether text is a name and a value itself.
func isPairLike(text string) bool {
	const longest = 10
	i := strings.IndexByte(text, '=')
	return i > 0 && (i < longest || strings.Trim(text[i:], "=") != "") &&
		strings.Trim(text[:min(i, longest)], "_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// isPair reports whether s and v are all that is in a pair of brackets, or in a line, or arguments of a function.
func (m *masker) isPair(s *subject, v *value) bool {
	i, j := s.start-1, v.next
	if s.quote != 0 || m.at(i) == ':' && isQuote(m.at(v.start-1)) {
		i--
	}
	for m.at(i) == ' ' || m.at(i) == '\t' {
		i--
	}
	for m.at(j) == ' ' {
		j++
	}
	if m.at(i) == '"' && m.depth(i) < m.depth(s.start-1) { // in JSON
		return m.at(j) == '"' || m.at(j) == '\n'
	}
	return m.at(i) == '(' || strings.IndexByte("[{:\n\x00", m.at(i)) >= 0 && strings.IndexByte("]}\"\n\x00>", m.at(j)) >= 0
}

// alone reports whether v is all that is in its line.
func (m *masker) alone(v *value) bool {
	return strings.IndexByte("\x00\n\r\"'}", m.at(v.next)) >= 0
}

// isMember reports whether s and v are a member of an object or a map, or a line of YAML.
func (m *masker) isMember(s *subject, v *value) bool {
	line := m.text[max(0, s.start-maxLook):s.start]
	m.cost += len(line)
	line = line[strings.LastIndexByte(line, '\n')+1:]
	if i := strings.LastIndexAny(line, "{}[]()"); i >= 0 {
		rest := strings.TrimSpace(line[i+1:])
		return strings.IndexByte("{[(", line[i]) >= 0 && (rest == "" || rest[len(rest)-1] == ',')
	}
	if strings.TrimSpace(line) != "" || !m.alone(v) {
		return false
	}
	all := strings.Split(m.text[max(0, s.start-maxLook):s.start], "\n")
	name, value, _ := strings.Cut(all[max(0, len(all)-2)], ": ") // the line before
	isMember := len(all) > 1 && value != "" && strings.Trim(name, "-_ "+alphabet) == "" && strings.Count(name, " ") < 2
	return isMember || strings.HasPrefix(line, "  ")
}

// isLogin reports whether s is a part of a login: a user name comes before it.
func (m *masker) isLogin(s *subject, v *value) bool {
	const longest = 64
	before := strings.ToLower(m.text[max(0, s.start-longest):s.start])
	m.cost += len(before)
	all := strings.Split(before, "\n")
	before = strings.TrimSpace(all[len(all)-1])
	if before == "" && len(all) > 1 { // the line before
		before = strings.TrimSpace(all[len(all)-2])
	}
	for _, word := range []string{"login", "user", "username"} {
		if i := strings.LastIndex(before, word); i >= 0 && len(strings.Fields(before[i:])) == 2 {
			return true
		}
	}
	for _, word := range []string{"set", "export", "setenv", "setx", "-x", "-gx"} {
		if strings.HasSuffix(before, word) && m.alone(v) {
			return true
		}
	}
	return false
}
