// SPDX-License-Identifier: Apache-2.0

package page

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// leading are words that a sentence goes on with from the name of a credential to the credential.
var leading = words.Set("leading")

const maxFiller = 5 // of those words

// Sentence returns where the words at i end that lead to a value: must not be "hunter2", set to hunter2; i if they don't.
func (p *Page) Sentence(i int) int {
	last, end := "", i
	for range maxFiller {
		next := p.Spaces(end)
		wordEnd := p.NameEndAt(next)
		word := strings.ToLower(p.Text[next:wordEnd])
		if to := p.Spaces(p.NameEndAt(p.Spaces(wordEnd))); word == "from" && last != "" && view.HasFold(p.Text[to:], "to ") {
			word, wordEnd = "to", to+len("to") // from hunter1 to hunter2
		}
		if !leading[word] && (word != "with" || !view.HasFold(p.Text[p.Spaces(wordEnd):], "value ")) {
			break
		}
		last, end = word, wordEnd
	}
	if last == "to" || last != "" && view.IsQuote(p.At(p.Spaces(end))) {
		return end
	}
	return i
}

// Neutral returns where the words at i end that only stand before a value: is, equals.
func (p *Page) Neutral(i int) int {
	for end := p.NameEndAt(i); end > i && words.Roles(strings.ToLower(p.Text[i:end]))&words.IsNeutral != 0; end = p.NameEndAt(i) {
		i = p.Spaces(end)
	}
	return i
}

// States reports whether what is at i, behind a remark about a credential, leads to it.
func (p *Page) States(i int) bool {
	t := p.Text[i:]
	op := p.Operator(i)
	return op == ":" || op == "=" || op == "->" || view.HasFold(t, "is ") || view.HasFold(t, "was ") ||
		view.HasFold(t, "changed from ") || view.HasFold(t, "changed to ") ||
		strings.HasPrefix(t, "{") && view.IsQuote(p.At(p.Spaces(i+1)))
}

var pairing = words.Set("pairing function")

// InPairs reports whether i is among the arguments of a function that takes names and values in turn: struct('user','bob','pin','1234')
func (p *Page) InPairs(i int) bool {
	start := i
	for start > 0 && i-start < MaxLook && p.Text[start-1] != '(' && p.Text[start-1] != '\n' {
		start--
	}
	p.Cost += i - start
	return start > 0 && pairing[strings.ToLower(p.Text[p.NameStartAt(start-1):start-1])]
}

var constructors = words.Set("constructor")

// Converted returns where the string begins that something is made of at i, and of nothing else, as in []byte("hunter2") or
// Buffer.from('hunter2'); i where nothing is, or where a function rather asks for the value by a name: os.Getenv("PASSWORD").
func (p *Page) Converted(i int) int {
	j, end := i, min(len(p.Text), i+MaxScheme)
	for j < end && (view.IsNameByte(p.Text[j]) || strings.IndexByte("[]*:", p.Text[j]) >= 0) {
		j++
	}
	quote := p.Spaces(j + 1)
	function := strings.ToLower(p.Text[i:j])
	command := p.At(j) == ' ' && (strings.IndexByte(function, '-') > 0 || constructors[function]) // ConvertTo-SecureString 'hunter2'
	if j == i || p.At(j) != '(' && !command || !view.IsQuote(p.At(quote)) {
		return i
	}
	if slices.ContainsFunc(words.List("asking function"), func(asks string) bool { return strings.Contains(function, asks) }) {
		return i
	}
	next := p.Spaces(p.Quoted(quote).Next)
	if p.At(next) == ',' && p.At(p.Spaces(next+1)) == ')' { // of Rust
		next = p.Spaces(next + 1)
	}
	if !command && p.At(next) != ')' { // more arguments, one of which may be it
		return i
	}
	return quote
}
