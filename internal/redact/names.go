// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// strength says how surely a name means a credential.
type strength uint8

const (
	open   strength = iota // it doesn't
	unsure                 // the value tells: a stream key, or a key on a keyboard
	weak                   // an ordinary word too: a session, a token
	noun                   // in a sentence an ordinary word, elsewhere a credential: a secret
	sure
)

const (
	maxWords = 8
	maxName  = 96 // bytes
)

// name is a name as its words, in lower case.
type name struct {
	words [maxWords]string
	n     int
}

// last returns the word that is i words before the last one, "" if there is none.
func (w *name) last(i int) string {
	if i >= w.n {
		return ""
	}
	return w.words[w.n-1-i]
}

// strengthOf returns how surely a name means a credential, by the word that it ends in: the ID of a session is no session.
func strengthOf(s string) strength {
	if rolesOf(strings.ToLower(s))&isSure != 0 {
		return sure
	}
	w := split(s)
	for i := 1; i < w.n; i++ { // the password of somebody
		if rolesOf(w.words[i])&isOf != 0 {
			w.n = i
		}
	}
	for w.n > 1 && (rolesOf(w.last(0))&isNeutral != 0 || isDigits(w.last(0))) {
		if w.n--; w.last(0) == "hmac" { // the name of an algorithm
			return unsure
		}
	}
	if w.n == 0 {
		return open
	}
	strength := w.strength()
	switch asking := w.n > 1 && rolesOf(w.words[0])&isAsking != 0; {
	case asking && strength >= noun:
		return weak
	case asking:
		return open
	}
	return strength
}

// strength is the strength of a name of which the last word says what it means.
func (w *name) strength() strength {
	last, before := w.last(0), rolesOf(w.last(1))
	if rolesOf(last) == 0 {
		last = strings.TrimRight(last, "0123456789")
	}
	switch r := rolesOf(last); {
	case r&isKey != 0 && before&isOpenKey != 0:
		return open
	case r&isKey != 0 && before&isSecretKey != 0, last == "phrase" && before&isSecretPhrase != 0, last == "word" && w.last(1) == "pass",
		last == "string" && w.last(1) == "connection", r&isSure != 0, r&isNoun != 0 && w.n > 1,
		last == "id" && w.last(1) == "key" && w.last(2) == "access":
		return sure
	case r&isKey != 0:
		return unsure
	case r&isNoun != 0:
		return noun
	case r&isWeak != 0, r&isCode != 0 && before&isSecretCode != 0, last == "id" && (w.last(1) == "session" || w.last(1) == "sess"):
		return weak
	case r&isFact != 0:
		return open
	}
	if s := strengthOfWord(last); s != open {
		return s
	}
	for i, word := range w.words[:w.n-1] { // API_KEY_STUDIO
		if r := rolesOf(word); r&(isSure|isNoun|isWeak) != 0 || r&isKey != 0 && i > 0 && rolesOf(w.words[i-1])&isSecretKey != 0 {
			return unsure
		}
	}
	return open
}

// strengthOfWord returns the strength of a word that is several in one piece: dbpassword, apikey.
func strengthOfWord(word string) strength {
	for _, part := range section("holds sure") {
		if i := strings.Index(word, part); i >= 0 {
			rest := word[i+len(part):]
			if rest == "less" || rest != "" && rolesOf(rest)&isFact != 0 {
				return open
			}
			return sure
		}
	}
	for _, end := range section("ends sure") {
		if strings.HasSuffix(word, end) {
			return sure
		}
	}
	for _, end := range section("ends weak") {
		if strings.HasSuffix(word, end) {
			return weak
		}
	}
	if strings.HasSuffix(word, "pw") || strings.HasSuffix(word, "pass") && !noPass[word] {
		return sure
	}
	if left, ok := strings.CutSuffix(strings.TrimSuffix(word, "s"), "key"); ok && len(left) > 1 && rolesOf(left)&isSecretKey != 0 {
		return sure
	}
	return open
}

var noPass = words("no pass")

// split splits camelCase, snake_case, kebab-case and dotted names into words: the last ones that there is room for. Of a
// dotted name only the last part counts, if that says something.
func split(s string) (w name) {
	if len(s) > maxName {
		s = s[len(s)-maxName:]
	}
	if dot := strings.LastIndexByte(s, '.'); dot >= 0 {
		if last := s[dot+1:]; !isDigits(last) && rolesOf(strings.ToLower(last))&(isNeutral|isKey) == 0 {
			s = last
		}
	}
	low := strings.ToLower(s)
	if len(low) != len(s) {
		return w
	}
	start := 0
	camel := low != s && strings.ToUpper(s) != s
	flush := func(end int) {
		if end > start {
			if w.n == maxWords {
				copy(w.words[:], w.words[1:])
				w.n--
			}
			w.words[w.n] = low[start:end]
			w.n++
		}
	}
	for i := range len(s) {
		switch c := s[i]; {
		case !isAlnum(c) && c < 0x80:
			flush(i)
			start = i + 1
		case camel && isUpper(c) && i > start && (!isUpper(s[i-1]) || i+1 < len(s) && isLetter(s[i+1]) && !isUpper(s[i+1])):
			flush(i)
			start = i
		}
	}
	flush(len(s))
	return w
}

// isKeyOf reports whether a name ends in a word that has the role r.
func isKeyOf(s string, r role) bool {
	w := split(s)
	return rolesOf(w.last(0))&r != 0
}

// isIdentifier reports whether a name is one of a program rather than a word of a sentence.
func isIdentifier(s string) bool {
	return strings.ContainsAny(s, "_-.") || caseTurns(s) > 1 && strings.IndexByte(s, ' ') < 0
}
