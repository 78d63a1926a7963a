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
	awsKey   = regexp.MustCompile(`(^|[^A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,}`)
	dataURL  = regexp.MustCompile("(?i)(^|[^a-z0-9])(data:(?:[a-z0-9.+-]+/[a-z0-9.+-]+)?(?:;[a-z0-9=._-]+)*,)[^\\s\"'<>`]+")
	scheme   = regexp.MustCompile("(?i)(?:^|[^a-z0-9])(bearer|basic|token)(?:\\s+tokens?)?(?:\\s|%20)+([^\\s\"'<>,;`]+)")
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
	var b strings.Builder
	for {
		m := scheme.FindStringSubmatchIndex(s)
		if m == nil {
			b.WriteString(s)
			return b.String()
		}
		value := strings.TrimRight(s[m[4]:m[5]], trailing)
		b.WriteString(s[:m[4]])
		if value == Mask || isAuthValue(strings.ToLower(s[m[2]:m[3]]), value) {
			b.WriteString(Mask)
			s = s[m[4]+len(value):]
			continue
		}
		s = s[m[4]:] // the word may be the name of a scheme itself
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
