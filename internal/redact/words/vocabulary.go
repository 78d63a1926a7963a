// SPDX-License-Identifier: Apache-2.0

package words

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
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

// List returns the words of a section.
func List(name string) []string { return vocabulary[name] }

// Set returns the words of a section as a set.
func Set(section string) map[string]bool {
	set := map[string]bool{}
	for _, word := range vocabulary[section] {
		set[word] = true
	}
	return set
}

// Table returns the words of a section of the form name=value, by their names.
func Table(section string) map[string]string {
	table := map[string]string{}
	for _, word := range vocabulary[section] {
		name, value, _ := strings.Cut(word, "=")
		table[name] = value
	}
	return table
}

// Role is what a word is within a name.
type Role uint32

// The roles, as the vocabulary has them.
const (
	isSure Role = 1 << iota
	isNoun
	IsWeak
	IsKey
	IsCode
	IsFact
	IsNeutral
	IsOf
	IsAsking
	IsSecretKey
	IsOpenKey
	isSecretPhrase
	isSecretCode
	IsAnyName
	IsAnyValue
	IsGiven
	isSecretBehind
	isBetween
)

// lexicon has the roles of each word.
var lexicon = func() map[string]Role {
	table := map[string]Role{}
	for i, section := range []string{
		"sure", "noun", "weak", "key", "code", "fact", "neutral", "of", "asking", "secret key", "open key", "secret phrase", "secret code",
		"any name", "any value", "given", "secret behind", "between",
	} {
		for _, word := range vocabulary[section] {
			table[view.Folded(word)] |= 1 << i
		}
	}
	return table
}()

// Roles returns the roles of a word in lower case.
func Roles(word string) Role { return lexicon[word] }

// fragments are what names begin with that mean a credential, or a part of them does, by their first two bytes: only there a
// name is looked at.
var fragments = func() (table [1 << 10][]string) {
	var all []string
	for _, section := range []string{
		"sure", "noun", "weak", "key", "code", "ends sure", "ends weak", "holds sure", "head",
	} {
		all = append(all, vocabulary[section]...)
	}
	for _, word := range all {
		if first, n := utf8.DecodeRuneInString(word); n > 1 {
			all = append(all, string(unicode.ToUpper(first))+word[n:])
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(a) - len(b) })
	for _, word := range all {
		word = view.Folded(word)
		if view.IsLetter(word[0]) {
			word = strings.ToLower(word)
		}
		known := &table[view.PairOf(word[0], word[1])]
		if !slices.ContainsFunc(*known, func(f string) bool { return strings.HasPrefix(word, f) }) {
			*known = append(*known, word)
		}
	}
	return table
}()

// NameBegins reports whether t begins with what a name may begin with that means a credential, or a part of one.
func NameBegins(t string) bool {
	if len(t) < 2 {
		return false
	}
	for _, f := range fragments[view.PairOf(t[0], t[1])] {
		if view.HasFold(t, f) {
			return true
		}
	}
	return false
}
