// SPDX-License-Identifier: Apache-2.0

// Package redact masks credentials in URLs, free text and free-form JSON. It is pure: no I/O and no state.
//
// It never relies on its input being well-formed: URLs are cut up as text, so one that no parser accepts is masked as
// well. In doubt it masks too much rather than too little. Masking what is already masked changes nothing.
package redact

import (
	"slices"
	"strings"
)

// Mask stands where a credential was.
const Mask = "[redacted]"

// UserInfoMask stands for the user info of a URL: brackets are not allowed there, and this is the form that Livepeer
// Studio itself uses, so a URL looks the same whoever masked it.
const UserInfoMask = "***:***"

// maxPasses bounds how often a text is gone through until nothing changes any more. Two is the rule.
const maxPasses = 5

// maxWork bounds the length of a text times the number of places where a rule may copy or search all of it. What needs
// more is masked whole: no message that people write does.
const maxWork = 8 << 20

// Redactor masks credentials. It is immutable and safe for concurrent use; nil and the zero value know no secrets and
// mask what looks like a credential.
type Redactor struct {
	// known returns the secrets with their encoded forms, longest first, and those of which a part is searched for as
	// well. It is a function because fmt and other printers follow slices and pointers.
	known func() (secrets, parted []string)
}

// New returns a Redactor that also masks the given secrets (an API key, a webhook secret) wherever they occur: verbatim,
// cut off, percent-encoded, in base64 or in hexadecimal digits. Secrets shorter than 4 bytes, and parts of the mask
// itself, are ignored.
func New(secrets ...string) *Redactor {
	const masks = Mask + " " + UserInfoMask + "@"
	var forms, parted []string
	for _, s := range secrets {
		if len(s) < minSecretLen || strings.Contains(masks, s) {
			continue
		}
		forms = append(forms, formsOf(s)...)
		if len(s) >= minPartedLen {
			parted = append(parted, s)
		}
	}
	forms = slices.DeleteFunc(forms, func(s string) bool { return strings.Contains(masks, s) })
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	forms = slices.Compact(forms)
	return &Redactor{known: func() (all, long []string) { return forms, parted }}
}

// URL masks the credentials in a URL: user info becomes "***:***", the value of each query parameter that is not known to
// be harmless becomes "[redacted]", and so does a fragment that looks like more than an anchor. Scheme, host, path
// and parameter names stay; what looks like a credential is masked there too. s need not be a valid URL. The second
// result says whether anything changed.
func (r *Redactor) URL(s string) (string, bool) {
	out := s
	for range maxPasses {
		sep := strings.Index(out, "://")
		next, changed := r.mask(out, sep < 0 || schemeStart(out, sep) == 0)
		if !changed {
			return out, out != s
		}
		out = next // which may be a URL as a whole where s was not, or the other way round
	}
	return Mask, true
}

// Text masks the credentials in free text: URLs as URL does, Bearer and Basic tokens, values of credential-like keys
// (key=value, "key": "value", HTTP headers, XML, options of a command), JSON web tokens, keys of well-known services,
// private keys, data: URLs and the known secrets, also where they are percent-encoded. The second result says whether anything changed.
func (r *Redactor) Text(s string) (string, bool) {
	return r.mask(s, false)
}

// mask goes through s until nothing changes any more, which makes masking idempotent whatever the rules do to each
// other's results. whole: s is one URL, even if it contains white space or quotes.
func (r *Redactor) mask(s string, whole bool) (string, bool) {
	if tooMuchWork(s) {
		return Mask, true
	}
	out := s
	for range maxPasses {
		next := r.pass(out, whole)
		if next == out {
			return out, out != s
		}
		out = next
	}
	return Mask, true
}

func tooMuchWork(s string) bool {
	places := strings.Count(s, "://")
	for i := range len(s) {
		if c := s[i]; c == '?' || c == '@' || c == '[' || c == '{' {
			places++
		}
	}
	return places > maxWork/max(len(s), 1)
}

// pass applies every rule once. Each rule is skipped where a cheap look shows that it can't apply.
func (r *Redactor) pass(s string, whole bool) string {
	if s == "" || s == Mask {
		return s
	}
	s = rules(r.knownSecrets(s), whole)
	if strings.IndexByte(s, '%') >= 0 {
		s = maskEncoded(s)
	}
	return s
}

// rules applies the rules that know no secrets.
func rules(s string, whole bool) string {
	if strings.Contains(s, "PRIVATE KEY") {
		s = pemBlock.ReplaceAllString(s, Mask)
	}
	if strings.Contains(s, "eyJ") {
		s = webToken.ReplaceAllString(s, "${1}"+Mask)
	}
	if len(s) >= minFormat {
		s = maskFormats(s)
	}
	if strings.ContainsAny(s, " \t\n+%") {
		s = maskAuthSchemes(s)
		s = maskPhrases(s)
	}
	if strings.ContainsAny(s, ":=>") {
		s = maskDataURLs(s)
		s = maskURLs(s, whole)
		s = maskUserInfo(s)
		s = maskQueries(s, whole)
		s = maskPairs(s)
	}
	return s
}
