// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"regexp"
	"strings"
)

var (
	// A private key that is cut off is masked to the end.
	pemBlock = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\z)`)
	// A JSON web token, whole or cut off: eyJ is {" in base64.
	webToken = regexp.MustCompile(`(^|[^A-Za-z0-9])eyJ[A-Za-z0-9_-]{6,}=*(?:\.[A-Za-z0-9_=-]+)*`)
	dataURL  = regexp.MustCompile("(?i)(^|[^a-z0-9])(data:(?:[a-z0-9.+-]+/[a-z0-9.+-]+)?(?:;[a-z0-9=._-]+)*,)[^\\s\"'<>`]+")
	scheme   = regexp.MustCompile("(?i)(?:^|[^a-z0-9])(bearer|basic|token)(?:\\s+tokens?)?(?:\\s|%20|\\+)+[\"']?([^\\s\"'<>,;`]+)")
	// What a sentence or a command line calls a credential. A word that is none follows at most.
	named = regexp.MustCompile("(?i)(?:^|[^a-z0-9])((?:pass(?:word|wd|phrase)|secret|credentials?|(?:[a-z]+[ _-]?)?key|jwt|token)s?" +
		"(?:\\s+(?:is|was|provided|of|key|value):?)?)[\\s\"'`(|;,~>-]+([^\\s\"'<>,;`()]+)")
	// --password value, -u user:value
	option = regexp.MustCompile("(?:^|\\s)(?:--?([A-Za-z][A-Za-z0-9_-]+)|-u|-U)[ \\t]+[\"']?([^\\s\"'`-][^\\s\"'`]*)")
)

// afterBearer are the words that follow "bearer" in prose.
var afterBearer = map[string]bool{
	"token": true, "tokens": true, "auth": true, "authentication": true, "authorization": true, "header": true,
	"scheme": true, "credential": true, "credentials": true, "format": true, "is": true, "was": true, "of": true,
	"not": true, "or": true, "and": true, "required": true, "missing": true, "invalid": true, "expired": true,
}

// maskDataURLs cuts data: URLs: what they carry is content, not an address.
func maskDataURLs(s string) string {
	if !containsFold(s, "data:") {
		return s
	}
	return dataURL.ReplaceAllString(s, "${1}${2}"+Mask)
}

// maskAuthSchemes masks what follows the name of an HTTP authentication scheme.
func maskAuthSchemes(s string) string {
	if !containsFold(s, "bearer") && !containsFold(s, "basic") && !containsFold(s, "token") {
		return s
	}
	return maskNamed(s, scheme, isAuthValue)
}

// maskPhrases masks what a sentence calls a password, a key or a token, and what follows such an option of a command.
func maskPhrases(s string) string {
	for _, word := range []string{"pass", "secret", "credential", "key", "jwt", "token"} {
		if containsFold(s, word) {
			s = maskNamed(s, named, func(_, value string) bool { return tokenLike(value) })
			break
		}
	}
	if strings.Contains(s, " -") || strings.HasPrefix(s, "-") {
		s = maskNamed(s, option, func(name, value string) bool {
			if name == "" {
				user, password, _ := strings.Cut(value, ":")
				return user != "" && password != "" && !strings.HasPrefix(password, "//")
			}
			return credentialKey(name) || name == "user" && strings.IndexByte(value, ':') > 0
		})
	}
	return s
}

// maskNamed masks the second group of each match of pattern that is a credential, by what the first group is called.
func maskNamed(s string, pattern *regexp.Regexp, isCredential func(name, value string) bool) string {
	var b strings.Builder
	for {
		m := pattern.FindStringSubmatchIndex(s)
		if m == nil {
			b.WriteString(s)
			return b.String()
		}
		name := ""
		if m[2] >= 0 {
			name = strings.ToLower(s[m[2]:m[3]])
		}
		value := strings.TrimRight(s[m[4]:m[5]], trailing)
		b.WriteString(s[:m[4]])
		if value == Mask || isCredential(name, value) {
			b.WriteString(Mask)
			s = s[m[4]+len(value):]
			continue
		}
		s = s[m[4]:] // the word may be a name itself
	}
}

// isAuthValue tells a credential from the next word of a sentence.
func isAuthValue(scheme, value string) bool {
	switch scheme {
	case "bearer":
		return value != "" && !afterBearer[strings.ToLower(value)]
	case "basic":
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		return err == nil && strings.IndexByte(string(plain), ':') >= 0 || len(value) >= 16 && opaque(value)
	default:
		return len(value) >= 16 && opaque(value)
	}
}

// opaque reports whether s has what a word of a sentence has not.
func opaque(s string) bool {
	if len(s) >= 24 {
		return true
	}
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' || i > 0 && isUpper(c) || strings.IndexByte("_-+/=~", c) >= 0 {
			return true
		}
	}
	return false
}

// containsFold reports whether s contains sub, which is lower-case ASCII, in any case.
func containsFold(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i]|0x20 == sub[0] && strings.EqualFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}
