// SPDX-License-Identifier: Apache-2.0

package redact

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed vocabulary.txt
var vocabularyFile string

// vocabulary holds the words of each section of the file.
var vocabulary = func() map[string][]string {
	sections := map[string][]string{}
	section := ""
	for line := range strings.Lines(vocabularyFile) {
		line = strings.TrimSpace(line)
		switch name, isName := strings.CutPrefix(line, "["); {
		case strings.HasPrefix(line, "#"):
		case isName && strings.HasSuffix(name, "]"):
			section = strings.TrimSuffix(name, "]")
		default:
			sections[section] = append(sections[section], strings.Fields(line)...)
		}
	}
	return sections
}()

// section returns the words of a section.
func section(name string) []string { return vocabulary[name] }

// words returns the words of a section as a set.
func words(section string) map[string]bool {
	set := map[string]bool{}
	for _, word := range vocabulary[section] {
		set[word] = true
	}
	return set
}

// role is what a word is within a name.
type role uint32

const (
	isSure role = 1 << iota
	isNoun
	isWeak
	isKey
	isCode
	isFact
	isNeutral
	isOf
	isAsking
	isSecretKey
	isOpenKey
	isSecretPhrase
	isSecretCode
	isAnyName
	isAnyValue
)

// lexicon has the roles of each word.
var lexicon = func() map[string]role {
	table := map[string]role{}
	for i, section := range []string{
		"sure", "noun", "weak", "key", "code", "fact", "neutral", "of", "asking", "secret key", "open key", "secret phrase", "secret code",
		"any name", "any value",
	} {
		for _, word := range vocabulary[section] {
			table[folded(word)] |= 1 << i
		}
	}
	return table
}()

var (
	prose     = words("prose")
	verdicts  = words("verdict")
	verbs     = words("verb")
	mechanism = words("mechanism")
	labels    = words("mail")
)

// rolesOf returns the roles of a word in lower case.
func rolesOf(word string) role { return lexicon[word] }

// pairOf returns an index for the first two bytes of what begins with a letter, the same for upper and lower case.
func pairOf(a, b byte) int {
	return int(a&31)<<5 | int(b&31)
}

// fragments are what names begin with that mean a credential, or a part of them does, by their first two bytes: only there a
// name is looked at.
var fragments = func() (table [1 << 10][]string) {
	var all []string
	for _, section := range []string{"sure", "noun", "weak", "key", "code", "verb", "ends sure", "ends weak", "holds sure", "head"} {
		all = append(all, vocabulary[section]...)
	}
	for _, word := range all {
		if first, n := utf8.DecodeRuneInString(word); n > 1 {
			all = append(all, string(unicode.ToUpper(first))+word[n:])
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(a) - len(b) })
	for _, word := range all {
		word = folded(word)
		if isLetter(word[0]) {
			word = strings.ToLower(word)
		}
		known := &table[pairOf(word[0], word[1])]
		if !slices.ContainsFunc(*known, func(f string) bool { return strings.HasPrefix(word, f) }) {
			*known = append(*known, word)
		}
	}
	return table
}()
