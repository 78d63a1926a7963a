// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
)

// urlStop ends a URL inside a text.
const urlStop = " \t\r\n\v\f\"<>`"

// trailing is what follows a URL or a value in a sentence rather than being part of it.
const trailing = ".,;:!')}\\"

// maskURLs masks every scheme://... in s. whole: the URL that s starts with reaches to the end of s.
func maskURLs(s string, whole bool) string {
	if !strings.Contains(s, "://") {
		return s
	}
	var b strings.Builder
	for {
		sep := strings.Index(s, "://")
		if sep < 0 {
			b.WriteString(s)
			return b.String()
		}
		start, from := schemeStart(s, sep), sep+len("://")
		end := len(s)
		if !whole {
			end = urlEnd(s, from)
		}
		end = nestedURL(s, from, end)
		b.WriteString(s[:start])
		b.WriteString(maskURL(s[start:from], s[from:end]))
		s = s[end:]
	}
}

// schemeStart returns where the scheme before s[sep:] (which is "://") starts.
func schemeStart(s string, sep int) int {
	for sep > 0 && (isAlnum(s[sep-1]) || strings.IndexByte("+-.", s[sep-1]) >= 0) {
		sep--
	}
	return sep
}

// urlEnd returns where the URL whose authority starts at s[from:] ends in a text. A password that was not encoded may
// hold what otherwise ends a URL: if all that is there looks like "user:pass", the next @ of the line is looked for.
func urlEnd(s string, from int) int {
	end := tokenEnd(s, from)
	if token := s[from:end]; strings.IndexByte(token, '@') >= 0 || portOf(authority(token)) != portBad {
		return end
	}
	line, _, _ := strings.Cut(s[end:], "\n")
	if at := strings.IndexByte(line, '@'); at >= 0 && !strings.Contains(line[:at], "://") {
		return tokenEnd(s, end+at)
	}
	return end
}

// tokenEnd returns where the token at s[from:] ends, without the punctuation of the sentence around it.
func tokenEnd(s string, from int) int {
	token := s[from:]
	if i := strings.IndexAny(token, urlStop); i >= 0 {
		token = token[:i]
	}
	return from + len(strings.TrimRight(token, trailing))
}

// nestedURL returns where another URL starts within the path of the one at s[from:end], or end.
func nestedURL(s string, from, end int) int {
	sep := strings.Index(s[from:end], "://")
	if sep < 0 || strings.ContainsAny(s[from:from+sep], "?#") {
		return end
	}
	if before := s[from : from+sep]; strings.IndexByte(before, ':') >= 0 && strings.IndexByte(before, '/') < 0 {
		return end // a password
	}
	if start := from + schemeStart(s[from:end], sep); start > from {
		return start
	}
	return end
}

// maskURL masks the URL scheme+rest, where scheme ends in "://".
func maskURL(scheme, rest string) string {
	info := ""
	if end := userInfoEnd(rest); end > 0 {
		info, rest = UserInfoMask+"@", rest[end:]
	}
	host := authority(rest)
	tail := rest[len(host):]
	if portOf(host) == portBad || strings.Contains(host, "%40") {
		host = UserInfoMask // a user info that lost its host, or that is encoded as a whole
	}
	fragment := ""
	if i := strings.IndexByte(tail, '#'); i >= 0 {
		tail, fragment = tail[:i], tail[i+1:]
		if fragment != Mask && (strings.IndexByte(fragment, '=') >= 0 || tokenLike(fragment)) {
			fragment = Mask
		}
		fragment = "#" + fragment
	}
	if i := strings.IndexByte(tail, '?'); i >= 0 {
		tail = tail[:i+1] + maskQuery(tail[i+1:])
	}
	path, query, found := strings.Cut(tail, "?")
	if path = maskPath(scheme, host, path); found {
		path += "?"
	}
	return scheme + info + host + path + query + fragment
}

// authority returns the part of rest before the path, the query and the fragment.
func authority(rest string) string {
	if i := strings.IndexAny(rest, `/?#\`); i >= 0 {
		return rest[:i]
	}
	return rest
}

// userInfoEnd returns the length of the user info of rest with its @, or 0. A secret key often contains a slash that
// nobody encoded, so an @ beyond the authority counts too, unless what stands before it is clearly a host.
func userInfoEnd(rest string) int {
	last := strings.LastIndexByte(rest, '@')
	if last < 0 {
		return 0
	}
	auth := authority(rest)
	at := strings.LastIndexByte(auth, '@')
	host := auth[at+1:]
	port := portOf(host)
	dotted := strings.IndexByte(host, '.') >= 0 || strings.HasPrefix(host, "[") || strings.HasPrefix(host, "localhost")
	switch {
	case last == at: // no @ after the authority
		return at + 1
	case port == portBad, at >= 0 && port == portNone && !dotted, at < 0 && port == portNumber && !dotted:
		return last + 1
	default:
		return at + 1
	}
}

type portKind int

const (
	portNone portKind = iota
	portNumber
	portBad
)

// portOf says what the part of a host after its colon is.
func portOf(host string) portKind {
	if i := strings.LastIndexByte(host, ']'); i >= 0 && strings.HasPrefix(host, "[") {
		host = host[i+1:]
	}
	i := strings.IndexByte(host, ':')
	if i < 0 || i == len(host)-1 {
		return portNone
	}
	for _, c := range []byte(host[i+1:]) {
		if c < '0' || c > '9' {
			return portBad
		}
	}
	return portNumber
}

// maskUserInfo masks user:password@host without a scheme.
func maskUserInfo(s string) string {
	done := 0
	for done < len(s) {
		i := strings.IndexByte(s[done:], '@')
		if i < 0 {
			break
		}
		at := done + i
		start := done + strings.LastIndexAny(s[done:at], urlStop+"'") + 1
		token := s[start:at]
		if strings.Contains(token, "://") {
			token = token[strings.LastIndexByte(token, '/')+1:]
		}
		token = strings.TrimLeft(token, "([{,;")
		if at+1 == len(s) || !isAlnum(s[at+1]) && s[at+1] != '[' || !isUserInfo(token) {
			done = at + 1
			continue
		}
		head := s[:at-len(token)] + UserInfoMask
		s, done = head+s[at:], len(head)+1
	}
	return s
}

// isUserInfo reports whether what stands before an @ is a user name and a password.
func isUserInfo(token string) bool {
	user, password, found := strings.Cut(token, ":")
	if !found || token == UserInfoMask || password == "" && !tokenLike(user) {
		return false
	}
	switch strings.ToLower(user) {
	case "mailto", "acct", "sip", "xmpp":
		return strings.IndexByte(password, ':') >= 0
	}
	return true
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || isLetter(c)
}

func isLetter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z'
}
