// SPDX-License-Identifier: Apache-2.0

// Package redact masks credentials in URLs, free text and free-form JSON. It is pure: no I/O and no state.
//
// It never relies on its input being well-formed: URLs are cut up as text, so one that no parser accepts is masked as
// well. In doubt it masks too much rather than too little. Masking what is already masked changes nothing.
package redact

import (
	"net/url"
	"slices"
	"strings"
)

// Mask stands where a credential was.
const Mask = "[redacted]"

// UserInfoMask stands for the user info of a URL: brackets are not allowed there, and this is the form that Livepeer
// Studio itself uses, so a URL looks the same whoever masked it.
const UserInfoMask = "***:***"

// minSecretLen is the shortest known secret that is searched for, in bytes. Shorter ones would mask ordinary text.
const minSecretLen = 4

// maxPasses bounds how often a text is gone through until nothing changes any more. Two is the rule.
const maxPasses = 5

// maxEncodings is how often a known secret may have been percent-encoded to be found still.
const maxEncodings = 3

// Redactor masks credentials. It is immutable and safe for concurrent use; nil and the zero value know no secrets and
// mask what looks like a credential.
type Redactor struct {
	secrets []string // longest first, with their encoded forms
}

// New returns a Redactor that also masks the given secrets (an API key, a webhook secret) wherever they occur, verbatim
// or percent-encoded. Secrets shorter than 4 bytes, and parts of the mask itself, are ignored.
func New(secrets ...string) *Redactor {
	const masks = Mask + " " + UserInfoMask + "@"
	var forms []string
	for _, s := range secrets {
		if len(s) < minSecretLen || strings.Contains(masks, s) {
			continue
		}
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s))
	}
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return &Redactor{secrets: slices.Compact(forms)}
}

// URL masks the credentials in a URL: user info becomes "***:***", the value of each query parameter that is not known to
// be harmless becomes "[redacted]", and so does a fragment that looks like more than an anchor. Scheme, host, path
// and parameter names stay; what looks like a credential is masked there too. s need not be a valid URL. The second
// result says whether anything changed.
func (r *Redactor) URL(s string) (string, bool) {
	sep := strings.Index(s, "://")
	return r.mask(s, sep < 0 || schemeStart(s, sep) == 0)
}

// Text masks the credentials in free text: URLs as URL does, Bearer and Basic tokens, values of credential-like keys
// (key=value, "key": "value", HTTP headers), JSON web tokens, AWS keys, private keys, data: URLs and the known secrets.
// The second result says whether anything changed.
func (r *Redactor) Text(s string) (string, bool) {
	return r.mask(s, false)
}

// mask goes through s until nothing changes any more, which makes masking idempotent whatever the rules do to each
// other's results. whole: s is one URL, even if it contains white space or quotes.
func (r *Redactor) mask(s string, whole bool) (string, bool) {
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

// pass applies every rule once. Each rule is skipped where a cheap look shows that it can't apply.
func (r *Redactor) pass(s string, whole bool) string {
	if s == "" || s == Mask {
		return s
	}
	s = r.knownSecrets(s)
	if strings.Contains(s, "PRIVATE KEY") {
		s = pemBlock.ReplaceAllString(s, Mask)
	}
	if strings.Contains(s, "eyJ") {
		s = webToken.ReplaceAllString(s, "${1}"+Mask)
	}
	if strings.Contains(s, "AKIA") || strings.Contains(s, "ASIA") {
		s = awsKey.ReplaceAllString(s, "${1}"+Mask)
	}
	if strings.IndexByte(s, ' ') >= 0 || strings.IndexByte(s, '\t') >= 0 {
		s = maskAuthSchemes(s)
	}
	if strings.IndexByte(s, ':') >= 0 || strings.IndexByte(s, '=') >= 0 {
		s = maskDataURLs(s)
		s = maskURLs(s, whole)
		s = maskUserInfo(s)
		s = maskQueries(s, whole)
		s = maskPairs(s)
	}
	return s
}

// knownSecrets masks the known secrets. Where one shows only after percent-decoding (in an unusual form, or encoded
// twice), the whole of s is masked.
func (r *Redactor) knownSecrets(s string) string {
	if r == nil || len(r.secrets) == 0 {
		return s
	}
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, Mask)
	}
	decoded := s
	for range maxEncodings {
		if strings.IndexByte(decoded, '%') < 0 {
			break
		}
		decoded = percentDecode(decoded)
		for _, secret := range r.secrets {
			if strings.Contains(decoded, secret) {
				return Mask
			}
		}
	}
	return s
}

// percentDecode decodes each valid %XX of s and leaves the others.
func percentDecode(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
