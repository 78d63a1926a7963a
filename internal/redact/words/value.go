// SPDX-License-Identifier: Apache-2.0

package words

import (
	"slices"
	"strings"
)

var prose = Set("prose")

// IsKeyValue reports whether text, the value of a key of any kind, is a credential rather than the name of something.
func IsKeyValue(text string) bool {
	l := LookAt(text)
	made := Opaque(text) || TokenLike(text) && l.Digits > 2 && !strings.ContainsAny(text, "-_")
	return made && !strings.ContainsAny(text, "./: (") && !IsPairLike(text)
}

// IsProse reports whether text begins as a sentence goes on.
func IsProse(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return prose[strings.ToLower(strings.Trim(word, ",.;!?'"))]
}

// IsRemark reports whether text, behind the name of a header, are words about it.
func IsRemark(name, text string) bool {
	all := strings.Fields(text)
	low := strings.ToLower(name)
	odd := func(word string) bool {
		l := LookAt(word)
		return Mixed(word) || l.Digits > 0 && l.Letters() > 0 || strings.IndexByte(word, '=') >= 0
	}
	return len(all) > 2 && !strings.HasSuffix(low, "phrase") && !strings.HasSuffix(low, "mnemonic") && !slices.ContainsFunc(all, odd)
}

// IsSentence reports whether text is the rest of a sentence, of at least so many words.
func IsSentence(text string, least int) bool {
	const most = 8
	all := strings.Fields(text)
	for _, word := range all[:min(len(all), most)] {
		if Mixed(word) || strings.IndexByte(word, '=') >= 0 {
			return false
		}
	}
	return len(all) >= least && IsProse(text)
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

// IsPairLike reports whether text is a name and a value itself.
func IsPairLike(text string) bool {
	const longest = 10
	i := strings.IndexByte(text, '=')
	return i > 0 && (i < longest || strings.Trim(text[i:], "=") != "") &&
		strings.Trim(text[:min(i, longest)], "_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
