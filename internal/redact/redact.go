// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/tokens"
)

// Mask stands where a credential was.
const Mask = page.Mask

// UserInfoMask stands for the user info of a URL.
const UserInfoMask = page.UserInfoMask

// maxPasses bounds how often a text is gone through until nothing changes any more. Two is the rule.
const maxPasses = 5

// Redactor masks credentials. It is immutable and safe for concurrent use; nil and the zero value know no secrets and
// mask what looks like a credential.
type Redactor struct {
	// known returns the secrets. It is a function because fmt and other printers follow pointers.
	known func() *tokens.Secrets
}

// New returns a Redactor that also masks the given secrets (an API key, a webhook secret) wherever they occur: verbatim,
// cut off, percent-encoded, escaped, in base64, base32 or hexadecimal digits. Secrets shorter than 4 bytes, and parts of the mask
// itself, are ignored.
func New(known ...string) *Redactor {
	// What to search for takes 15 KB for each key, and a source at rest searches for nothing: the garbage collector takes it, and it is
	// made anew.
	known = slices.Clone(known)
	var mu sync.Mutex
	var made weak.Pointer[tokens.Secrets]
	return &Redactor{known: func() *tokens.Secrets {
		mu.Lock()
		defer mu.Unlock()
		k := made.Value()
		if k == nil {
			k = tokens.SecretsOf(known)
			made = weak.Make(k)
		}
		return k
	}}
}

// URL masks the credentials in a URL: user info becomes "***:***"; the value of a query parameter, a part of the path or a
// fragment that is a credential, or looks like one, becomes "[redacted]". All else stays. s need not be a valid URL. The
// second result says whether anything changed.
func (r *Redactor) URL(s string) (string, bool) {
	return address(s, r.guarded)
}

// address masks s as a text too where it has white space: words may follow a URL, in which a slash is no end.
func address(s string, mask func(s string, isURL bool) (string, bool)) (string, bool) {
	if !strings.ContainsAny(s, " \t\n") {
		return mask(s, true)
	}
	out := s
	for range maxPasses {
		text, _ := mask(out, false)
		next, _ := mask(text, true)
		if next == out {
			return out, out != s
		}
		out = next
	}
	return Mask, true
}

// Text masks the credentials in free text. The second result says whether anything changed.
func (r *Redactor) Text(s string) (string, bool) {
	return r.guarded(s, false)
}

// PlainURL is URL for what a terminal may show: see PlainText.
func (r *Redactor) PlainURL(s string) (string, bool) { return plainly(s, r.URL) }

// PlainText is Text for what a terminal may show: without what Plain takes out. It masks the text as it is first, since the space that
// Plain puts in the place of a character would cut a credential in two, and then what Plain made of it.
func (r *Redactor) PlainText(s string) (string, bool) { return plainly(s, r.Text) }

func plainly(s string, mask func(string) (string, bool)) (string, bool) {
	if Plain(s) == s {
		return mask(s)
	}
	once, changed := mask(s)
	twice, more := mask(Plain(once))
	return twice, changed || more
}

// guarded masks a text whole where a rule panics at it: what somebody writes into one task must not end the operator for everybody.
func (r *Redactor) guarded(s string, isURL bool) (out string, changed bool) {
	defer func() {
		if recover() != nil {
			out, changed = Mask, true
		}
	}()
	return r.settle(s, isURL)
}

// settle goes through s until nothing changes any more, which makes masking idempotent whatever the rules do to each
// other's results.
func (r *Redactor) settle(s string, isURL bool) (string, bool) {
	out := s
	for range maxPasses {
		next := r.pass(out, isURL)
		if next == out {
			return out, out != s
		}
		out = next
	}
	return Mask, true
}

func (r *Redactor) pass(s string, isURL bool) string {
	if s == "" || s == Mask {
		return s
	}
	p := page.New(s)
	m := newMasker(&p)
	if isURL {
		sep := strings.Index(m.Text, "://")
		m.Whole = sep < 0 || m.SchemeStart(sep) == 0
	}
	if r != nil && r.known != nil {
		m.tokens.Known(r.known())
	}
	m.tokens.KeyPairs()
	m.scan()
	return m.Apply(s)
}
