// SPDX-License-Identifier: Apache-2.0

package words

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

var prose = Set("prose")

// IsKeyValue reports whether text, the value of a key of any kind, is a credential rather than the name of something.
func IsKeyValue(text string) bool {
	if id, key, found := strings.Cut(text, ":"); found && IsID(id) && id != "" { // which one it is, and its vector: 1:100b6c20940f779a:00
		text, _, _ = strings.Cut(key, ":")
	}
	l := LookAt(text)
	made := Opaque(text) || TokenLike(text) && l.Digits > 2 && !strings.ContainsAny(text, "-_")
	return made && !strings.ContainsAny(text, "./: (") && !IsPairLike(text) || IsBase64(text)
}

// IsBase64 reports whether text is in base64 and no path, though it has slashes: it has a plus sign, or ends in base64's equals sign.
func IsBase64(text string) bool {
	const shortest = 24
	plain := strings.TrimRight(text, "=")
	if len(text) < shortest || len(plain) == len(text) && strings.IndexByte(text, '+') < 0 {
		return false
	}
	l := LookAt(text)
	return l.Turns > 1 && CaseTurns(text)*7 >= len(text) && strings.Trim(plain, "+/0123456789"+view.Alphabet) == ""
}

// IsProse reports whether text begins as a sentence goes on.
func IsProse(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return prose[strings.ToLower(strings.Trim(word, ",.;!?'"))]
}

// IsForeign reports whether text is words in a script that few passwords are in, without a number at its end, as passwords have. A letter
// that looks like a Latin one is that one by now.
func IsForeign(text string) bool {
	const cyrillic = 0x400
	last, foreign := rune(0), false
	for _, r := range text {
		switch {
		case !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P):
			return false
		case !unicode.IsPunct(r):
			last = r
			foreign = foreign || r >= cyrillic && !unicode.IsNumber(r)
		}
	}
	return foreign && !unicode.IsNumber(last)
}

// IsRemark reports whether text, behind the name of a header, are words about it.
func IsRemark(name, text string) bool {
	low := strings.ToLower(name)
	isCode := func(word string) bool { l := LookAt(word); return l.Digits > 0 && l.Letters() > 0 }
	all := strings.Fields(text)
	if strings.HasSuffix(low, "mnemonic") || strings.HasSuffix(low, " phrase") { // which has 12 words, none of a sentence
		return len(all) > 1 && len(all) < 12 && areWords(all) && slices.ContainsFunc(all, IsProse)
	}
	return len(all) > 2 && areWords(all) && !slices.ContainsFunc(all, isCode) && !strings.HasSuffix(low, "phrase")
}

// IsSentence reports whether text is the rest of a sentence, of at least so many words.
func IsSentence(text string, least int) bool {
	const most = 8
	all := strings.Fields(text)
	return len(all) >= least && IsProse(text) && areWords(all[:min(len(all), most)])
}

// areWords reports whether none of all looks like a credential.
func areWords(all []string) bool {
	return !slices.ContainsFunc(all, func(word string) bool { return Mixed(word) || strings.IndexByte(word, '=') >= 0 })
}

// IsSessionID reports whether value is the ID of one of Studio's sessions, as name says, and not what a browser is known by.
func IsSessionID(name, value string) bool {
	w := split(name)
	named := w.last(0) == "sessionid" || w.last(0) == "id" && w.last(1) == "session"
	return named && IsID(value) && (len(value) < 32 || strings.IndexByte(value, '-') > 0)
}

// IsToken reports whether text, which follows a name that is an ordinary word too, is no sentence.
func IsToken(text string) bool {
	l := LookAt(text)
	if IsPlainFact(text, &l) || l.Letters() == 0 && l.Digits < 6 {
		return false
	}
	return l.Digits > 0 || CaseTurns(text)*5 >= len(text)*2 || len(text) >= 24 || strings.ContainsAny(text, "+=~")
}

// IsCodeOf reports whether digits are the PIN, or the code of a login, that name means.
func IsCodeOf(name, digits string) bool {
	const longest = 8
	last, least := LastWord(name), 6
	if last == "pin" {
		least = 4
	}
	return view.IsDigits(digits) && len(digits) >= least && len(digits) <= longest && (last == "pin" || Roles(last)&IsCode != 0) &&
		StrengthOf(name) != Open
}

// IsPairLike reports whether text is a name and a value itself.
func IsPairLike(text string) bool {
	const longest = 10
	i := strings.IndexByte(text, '=')
	return i > 0 && (i < longest || strings.Trim(text[i:], "=") != "") &&
		strings.Trim(text[:min(i, longest)], "_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// IsSetting reports whether text is a name and an ID, or an ordinary word: manifestID=abcd1234, state=ready
func IsSetting(text string) bool {
	name, value, _ := strings.Cut(text, "=")
	return strings.Trim(value, "=") != "" &&
		(LastWord(name) == "id" || view.IsDigits(value) || strings.Trim(value, "abcdefghijklmnopqrstuvwxyz") == "")
}

// IsValueOf reports whether text, which is assigned to a name of this strength, is a credential. quoted, bracket: what it is in.
func IsValueOf(name string, s Strength, text string, quoted, bracket bool) bool {
	l := LookAt(text)
	switch {
	case !quoted && isReference(text):
		return false
	case s == Unsure:
		return !bracket && IsKeyValue(text)
	case bracket: // some words that say nothing, rather than numbers or settings
		goList := strings.HasPrefix(text, `{"`) && strings.IndexByte(text, ':') < 0
		list := text[0] == '[' || goList || strings.HasSuffix(strings.ToLower(name), "auth")
		odd := slices.ContainsFunc(strings.FieldsFunc(text, isSign), func(w string) bool {
			w = LastWord(w)
			return Roles(w) == 0 && !prose[w] && !view.IsDigits(w)
		})
		return s == Weak && (Jumbled(text) || list && odd) || s != Weak && l.Letters() > 0 && (odd || !strings.Contains(text, "type"))
	case l.Letters() == 0 && l.Digits > 0 && (s <= Noun || strings.HasSuffix(name, "s") && l.Digits < 4):
		return l.Digits >= 6 && !strings.HasSuffix(name, "s")
	case s == Weak && IsMode(name, text):
		return false
	case s == Weak: // not what a function returns
		isCall := !quoted && strings.IndexByte(text, '(') > 0 && !strings.ContainsAny(text, "\"'`0123456789")
		return !IsProse(text) && !IsMeasure(text, &l) && !IsFile(text) && !isCall
	}
	if IsFile(text) && strings.HasSuffix(strings.ToLower(name), "key") { // where the key is
		return false
	}
	directory := strings.HasSuffix(strings.ToLower(name), "pwd") && strings.IndexByte("/~", text[0]) >= 0
	return !IsSentence(text, 3) && !directory
}

// IsSubject reports whether a word in lower case is what a sentence behind the name of a credential may begin with: a signature, a code.
func IsSubject(word string) bool {
	return Roles(word)&(IsWeak|IsCode|IsFact|IsKey|IsOpenKey|IsSecretKey) != 0
}

// IsCompared reports whether text, which is compared with what has a name of this strength, is a credential.
func IsCompared(s Strength, text string, quoted bool) bool {
	if text == "" || IsNothing(text) || IsID(text) || IsFile(text) || s < Sure && IsPairLike(text) {
		return false
	}
	variable := !quoted && IsIdentifier(text) && !Opaque(text)
	made := s == Sure || TokenLike(text) && (s > Unsure || Opaque(text))
	return quoted && s == Sure && !IsProse(text) || Mixed(text) && made && !variable
}

var modes = Set("mode")

// IsMode reports whether text says how requests are authenticated, or which signal was sent: auth=public, sig=SIGKILL
func IsMode(name, text string) bool {
	low := strings.ToLower(text)
	switch LastWord(name) {
	case "auth", "auths", "authentication":
		return modes[low]
	case "sig":
		return strings.HasPrefix(text, "SIG") && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ012") == "" || modes[low] && text != low
	}
	return false
}

// isReference reports whether text asks something for a member by its name: headers["Authorization"].
func isReference(text string) bool {
	object, member, found := strings.Cut(text, "[")
	member, closed := strings.CutSuffix(member, "]")
	name := strings.Trim(member, "\"'`")
	return found && closed && len(name) == len(member)-2 && strings.Trim(object, "_."+view.Alphabet) == "" && object != "" &&
		strings.Trim(name, "_-"+view.Alphabet) == "" && !Mixed(name)
}

// IsCursor reports whether s, in base64, is an object of numbers and IDs: where the next page of a list begins.
func IsCursor(s string) bool {
	const longest = 200
	var members map[string]any
	plain, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if !strings.HasPrefix(s, "eyJ") || len(s) > longest || err != nil || json.Unmarshal(plain, &members) != nil {
		return false
	}
	for name, v := range members {
		switch v := v.(type) {
		case string:
			if LastWord(name) != "id" || !IsID(v) {
				return false
			}
		case map[string]any, []any:
			return false
		}
		if StrengthOf(name) != Open {
			return false
		}
	}
	return true
}

// ManyWords reports whether name is a header, or a list of words, whose value reaches to the end of the line.
func ManyWords(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{"authorization", "authorisation", "cookie", "mnemonic", "phrase", "-signature"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
