// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// harmless lists the query parameters, in lower case, whose value stays: false for those that hold a number or a time,
// true for those that hold a word. A value that is neither is masked: it isn't what it claims to be.
var harmless = map[string]bool{
	"width": false, "height": false, "t": false, "start": false, "end": false, "duration": false,
	"x-amz-expires": false, "x-amz-date": false,
	"format": true, "version": true, "response-content-type": true, "x-amz-algorithm": true,
	"x-amz-signedheaders": true,
}

const (
	// maxHarmless is the longest value that is believed to be harmless, in bytes.
	maxHarmless = 64
	// maxWord is the longest word in it, in bytes: application is one.
	maxWord = 12
)

// maskQueries masks the query of each relative URL in s. whole: s is one URL.
func maskQueries(s string, whole bool) string {
	for i := 0; i < len(s); {
		next := strings.IndexByte(s[i:], '?')
		if next < 0 {
			break
		}
		i += next + 1
		end := len(s)
		if !whole {
			end = tokenEnd(s, i)
		}
		if hash := strings.IndexByte(s[i:end], '#'); hash >= 0 {
			end = i + hash
		}
		name, _, found := strings.Cut(s[i:end], "=")
		if !found || name == "" || strings.ContainsAny(name, " ,;:!()?") {
			continue
		}
		masked := maskQuery(s[i:end])
		s = s[:i] + masked + s[end:]
		i += len(masked)
	}
	return s
}

// maskQuery masks the values of a query, which comes without its question mark.
func maskQuery(query string) string {
	if query == "" {
		return query
	}
	params := strings.Split(query, "&")
	for i, param := range params {
		name, value, found := strings.Cut(param, "=")
		switch {
		case !found || strings.Trim(value, "=") == "":
			if tokenLike(name) { // no parameter at all, or one end of something in base64
				params[i] = Mask
			}
		case value != Mask && !harmlessParam(name, value):
			params[i] = name + "=" + Mask
		}
	}
	return strings.Join(params, "&")
}

// harmlessParam reports whether a query parameter can't be a credential.
func harmlessParam(name, value string) bool {
	word, known := harmless[strings.ToLower(name)]
	if !known || len(value) > maxHarmless {
		return false
	}
	allowed := ".:,-hmsTZ"
	if word {
		allowed = "._-+/;%ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	}
	length := 0
	for _, c := range []byte(value) {
		if (c < '0' || c > '9') && strings.IndexByte(allowed, c) < 0 {
			return false
		}
		if length++; !isAlnum(c) {
			length = 0
		}
		if word && length > maxWord {
			return false
		}
	}
	return true
}

// tokenLike reports whether s, which stands where a word is expected, rather is a token.
func tokenLike(s string) bool {
	const short, long = 12, 32
	if len(s) >= long {
		return true
	}
	digit, letter := false, false
	for _, c := range []byte(s) {
		digit = digit || c >= '0' && c <= '9'
		letter = letter || isLetter(c)
	}
	return len(s) >= short && digit && letter
}
