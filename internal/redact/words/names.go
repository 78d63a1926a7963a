// SPDX-License-Identifier: Apache-2.0

package words

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

// Strength says how surely a name means a credential.
type Strength uint8

// From none to certain.
const (
	Open   Strength = iota // it doesn't
	Unsure                 // the value tells: a stream key, or a key on a keyboard
	Weak                   // an ordinary word too: a session, a token
	Noun                   // in a sentence an ordinary word, elsewhere a credential: a secret
	Sure
)

const (
	maxWords = 8
	// MaxName is how many bytes of a name count.
	MaxName = 96
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

// StrengthOf returns how surely a name means a credential, by the word that it ends in: the ID of a session is no session.
func StrengthOf(s string) Strength {
	low := strings.ToLower(s)
	if account, azure := strings.CutSuffix(low, ".core.windows.net"); azure { // fs.azure.account.key.NAME.blob.core.windows.net
		low = account[:max(0, strings.LastIndexByte(account[:max(0, strings.LastIndexByte(account, '.'))], '.'))]
		s = low
	}
	if Roles(low)&isSure != 0 {
		return Sure
	}
	w := split(s)
	strength := w.meaning()
	if strength == Open && low != s && w.n > 1 && !none[w.last(1)+w.last(0)] { // the case may say nothing: APIkey, ToKeN
		if !slices.ContainsFunc(w.words[:w.n], func(word string) bool { return Roles(word)&(IsAsking|IsFact) != 0 }) {
			w = split(low)
			strength = w.meaning()
		}
	}
	return strength
}

// meaning is the strength of a name, whatever is said besides.
func (w *name) meaning() Strength {
	if w.isQualified() {
		return Sure
	}
	for i := 1; i < w.n; i++ { // the password of somebody
		if Roles(w.words[i])&IsOf != 0 {
			w.n = i
		}
	}
	for w.n > 1 && !w.isSure() && (Roles(w.last(0))&IsNeutral != 0 || view.IsDigits(w.last(0))) {
		if w.n--; w.last(0) == "hmac" { // the name of an algorithm
			return Unsure
		}
	}
	if w.n == 0 {
		return Open
	}
	strength := w.strength()
	switch asking := w.n > 1 && Roles(w.words[0])&IsAsking != 0; {
	case asking && strength >= Noun:
		return Weak
	case asking && strength == Weak: // <ExpiredToken>
		return Unsure
	case asking:
		return Open
	}
	return strength
}

// isSure reports whether the last two or three words are a name that is one word elsewhere: pass word, connection string.
func (w *name) isSure() bool {
	two := w.last(1) + w.last(0)
	return w.n > 1 && Roles(two)&isSure != 0 || w.n > 2 && Roles(w.last(2)+two)&isSure != 0
}

// isQualified reports whether the last words say which of the keys or tokens before them it is: clave secreta, token de acceso.
func (w *name) isQualified() bool {
	if w.n < 2 || Roles(w.last(0))&isSecretBehind == 0 {
		return false
	}
	i := 1
	for i < w.n-1 && Roles(w.last(i))&isBetween != 0 {
		i++
	}
	what := Roles(w.last(i))
	return what&IsKey != 0 && what&IsNeutral == 0 && !english[w.last(i)] || i > 1 && what&(IsWeak|isNoun) != 0 ||
		what&(isSure|IsCode) != 0 && w.last(0) != "api"
}

var english = map[string]bool{"key": true, "keys": true, "community": true}

// Qualifier returns how much of rest, which follows a name, belongs to it, and makes it that of a credential: secreta, d'API.
func Qualifier(name, rest string) int {
	const most = 4 // words
	end := 0
	for range most {
		word := strings.TrimLeft(rest[end:], " '’")
		if len(word) == len(rest)-end {
			return 0
		}
		end = len(rest) - len(word)
		n := 0
		for n < len(word) && view.IsNameByte(word[n]) && !strings.HasPrefix(word[n:], "’") {
			n++
		}
		switch r := Roles(strings.ToLower(word[:n])); {
		case r&isSecretBehind != 0:
			if w := split(name + rest[:end+n]); w.isQualified() {
				return end + n
			}
			return 0
		case r&isBetween == 0:
			return 0
		}
		end += n
	}
	return 0
}

// strength is the strength of a name of which the last word says what it means.
func (w *name) strength() Strength {
	last, before := w.last(0), Roles(w.last(1))
	if Roles(last) == 0 {
		last = strings.TrimRight(last, "0123456789")
	}
	switch r := Roles(last); {
	case r&IsKey != 0 && before&IsOpenKey != 0, last == "pass" && view.IsDigits(w.last(1)), none[w.last(1)+last]:
		return Open
	case r&IsKey != 0 && before&IsSecretKey != 0, last == "phrase" && before&isSecretPhrase != 0,
		r&isNoun != 0 && w.n > 1, r&isSure != 0, w.isSure():
		return Sure
	case r&IsKey != 0:
		return Unsure
	case r&isNoun != 0:
		return Noun
	case r&IsWeak != 0, r&IsCode != 0 && before&isSecretCode != 0, last == "id" && (w.last(1) == "session" || w.last(1) == "sess"):
		return Weak
	case r&IsFact != 0:
		return Open
	}
	if s := strengthOfWord(last); s != Open {
		return s
	}
	for i, word := range w.words[:w.n-1] { // API_KEY_STUDIO
		if r := Roles(word); r&(isSure|isNoun|IsWeak) != 0 || r&IsKey != 0 && i > 0 && Roles(w.words[i-1])&IsSecretKey != 0 {
			return Unsure
		}
	}
	return Open
}

var (
	holdsSure = List("holds sure")
	endsSure  = List("ends sure")
	endsWeak  = List("ends weak")
)

// strengthOfWord returns the strength of a word that is several in one piece: dbpassword, apikey.
func strengthOfWord(word string) Strength {
	for _, part := range holdsSure {
		if _, rest, held := strings.Cut(word, part); held {
			if rest == "less" || rest != "" && Roles(rest)&IsFact != 0 {
				return Open
			}
			return Sure
		}
	}
	hasEnd := func(end string) bool { return strings.HasSuffix(word, end) }
	switch {
	case slices.ContainsFunc(endsSure, hasEnd), hasEnd("pw"), hasEnd("pass") && !none[word]:
		return Sure
	case slices.ContainsFunc(endsWeak, hasEnd):
		return Weak
	}
	if left, ok := strings.CutSuffix(strings.TrimSuffix(word, "s"), "key"); ok && len(left) > 1 && Roles(left)&IsSecretKey != 0 {
		return Sure
	}
	return Open
}

var none = Set("none")

// split splits camelCase, snake_case, kebab-case and dotted names into words: the last ones that there is room for. Of a
// dotted name only the last part counts, if that says something.
func split(s string) (w name) {
	if len(s) > MaxName {
		s = s[len(s)-MaxName:]
	}
	if dot := strings.LastIndexByte(s, '.'); dot >= 0 {
		if last := s[dot+1:]; !view.IsDigits(last) && Roles(strings.ToLower(last))&(IsNeutral|IsKey) == 0 {
			s = last
		}
	}
	low := strings.ToLower(s)
	if len(low) != len(s) {
		return w
	}
	start := 0
	camel := low != s && strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' })
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
		case !view.IsAlnum(c) && c < 0x80:
			flush(i)
			start = i + 1
		case camel && view.IsUpper(c) && i > start &&
			(!view.IsUpper(s[i-1]) || i+1 < len(s) && view.IsLetter(s[i+1]) && !view.IsUpper(s[i+1])):
			flush(i)
			start = i
		}
	}
	flush(len(s))
	return w
}

// LastWord returns the last of the words that a name consists of, in lower case.
func LastWord(s string) string {
	w := split(s)
	return w.last(0)
}

// FirstWord returns the first of the words that a name consists of, in lower case.
func FirstWord(s string) string {
	w := split(s)
	return w.words[0]
}

// IsKeyOf reports whether a name ends in a word that has the role r.
func IsKeyOf(s string, r Role) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' { // several words
			w := split(s)
			return Roles(w.last(0))&r != 0 && !none[w.last(1)+w.last(0)]
		}
	}
	return Roles(s)&r != 0
}

// StrengthWithin returns how surely a name in an object means a credential that belongs to something: the key of a stream, or of streams.
func StrengthWithin(owner, name string) Strength {
	if owner == "" || Roles(strings.ToLower(name))&IsKey == 0 || Roles(strings.TrimSuffix(LastWord(owner), "s"))&isNoun != 0 {
		return Open // the key of a Secret is a name
	}
	return max(StrengthOf(owner+" "+name), StrengthOf(strings.TrimSuffix(owner, "s")+" "+name))
}

// IsStreamTo reports whether text holds an address that something is streamed to with a key.
func IsStreamTo(text string) bool {
	return strings.Contains(text, "rtmp://") || strings.Contains(text, "rtmps://")
}

// IsStreamName reports whether name is that of a stream, beside an address that something is streamed to: the key, if it looks like one.
func IsStreamName(name string) bool {
	return strings.EqualFold(name, "streamName") || strings.EqualFold(name, "stream_name")
}

// IsIdentifier reports whether a name is one of a program rather than a word of a sentence.
func IsIdentifier(s string) bool {
	return strings.ContainsAny(s, "_-.") || CaseTurns(s) > 1 && strings.IndexByte(s, ' ') < 0
}

// IsWebKeyMember reports whether a JSON web key keeps a secret under this name (RFC 7518, 6).
func IsWebKeyMember(name string) bool {
	switch name {
	case "k", "d", "p", "q", "dp", "dq", "qi", "oth":
		return true
	}
	return false
}
