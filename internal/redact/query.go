// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// The kinds of parameters of queries. One of a number or a word that is neither is masked: it isn't what it claims to be.
var (
	numberParams = words("number param")
	wordParams   = words("word param")
	nameParams   = words("name param")
	secretParams = words("secret param")
)

var paramBytes = setOf("0123456789-_.~[]$" + alphabet)

const (
	maxParam = 64  // bytes of the name of a query parameter
	maxFact  = 128 // bytes of a value that is believed to be harmless
	maxShort = 12  // bytes of a word in one that is typed
)

// param looks at the query parameter after the ?, & or # at i. Those with a name that means a credential are masked as
// everywhere; here, others with a value that looks like one.
func (m *masker) param(i int) {
	t := m.text
	inURL := i < m.url.end
	depth := m.depth(i)
	nameEnd := i + 1
	for nameEnd < len(t) && nameEnd-i <= maxParam && paramBytes[t[nameEnd]] {
		nameEnd++
	}
	name := strings.ToLower(t[i+1 : nameEnd])
	if m.at(nameEnd) != '=' {
		ends := nameEnd == len(t) || strings.IndexByte("&#"+trailing, t[nameEnd]) >= 0 || m.stops(nameEnd, depth)
		if (inURL || m.whole) && ends && opaque(name) && t[nameEnd-1] != ']' {
			m.mask(i+1, nameEnd)
		}
		return
	}
	if name == "" {
		return
	}
	end := nameEnd + 1
	for end < len(t) && (t[end] != '&' && t[end] != '#' && t[end] != '?') && !m.stops(end, depth) && (!inURL || end < m.url.end) {
		end++
	}
	m.cost += end - i
	if !inURL {
		end = nameEnd + 1 + len(trim(t[nameEnd+1:end], trailing))
	}
	m.queryEnd = end
	value := t[nameEnd+1 : end]
	if value != "" && value[0] != '=' && len(value) < 4 && !numberParams[name] && !wordParams[name] { // too short to be opaque
		return
	}
	switch {
	case strings.Trim(value, "=") == "" && (name != "streamid" || m.at(end) != '#'):
		if opaque(t[i+1 : nameEnd]) { // no parameter at all, but one end of something in base64
			m.mask(i+1, end)
		}
	case name == "streamid" && strings.HasPrefix(m.url.scheme, "srt") && inURL:
		for end < m.url.end && t[end] != '&' {
			end++
		}
		m.mask(nameEnd+1, end)
	case strings.HasPrefix(value, Mask), strings.Contains(value, "://"), isNothing(value):
	case !m.isHarmless(name, value):
		m.mask(nameEnd+1, end)
	}
}

// isHarmless reports whether the value of a query parameter with this name can't be a credential.
func (m *masker) isHarmless(name, value string) bool {
	switch {
	case numberParams[name], wordParams[name]:
		return len(value) <= maxFact && isTyped(wordParams[name], value)
	case secretParams[name]:
		return !mixed(value)
	case len(value) > maxFact:
		return !opaque(value[:maxFact]) && !opaque(value[len(value)-maxFact:])
	}
	w := split(name)
	last := w.last(0)
	return nameParams[last] || strings.HasSuffix(last, "id") && len(last) > len("guid") || !opaque(value)
}

func isTyped(word bool, value string) bool {
	allowed := ".:,-hmsTZ"
	if word {
		allowed = "._-+/;% =ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	}
	length := 0
	for _, c := range []byte(value) {
		if (c < '0' || c > '9') && strings.IndexByte(allowed, c) < 0 {
			return false
		}
		if length++; !isAlnum(c) {
			length = 0
		}
		if word && length > maxShort {
			return false
		}
	}
	return true
}

// userInfo masks the user and the password before the @ at i, where there is no scheme, and returns where to go on.
func (m *masker) userInfo(i int) int {
	t := m.text
	inURL := i < m.url.end
	start := i
	for ; start > m.userEnd && i-start < maxPassword; start-- {
		if c := t[start-1]; urlStops[c] || c == '\'' || inURL && (c == '/' || c == '?') {
			break
		}
	}
	m.cost += i - start
	end := i + 1
	for ; end < len(t) && end-i < maxPassword && !urlStops[t[end]] && t[end] != '/'; end++ {
		if m.cost++; t[end] == '@' && isAlnum(m.at(end+1)) { // the password holds an @
			i = end
		}
	}
	m.userEnd = i + 1
	if t[start:i] == UserInfoMask {
		return i + 1
	}
	host := t[i+1 : end]
	user, password, found := strings.Cut(t[start:i], ":")
	if !found || strings.HasSuffix(user, "jdbc") {
		m.slashed(start, i)
		return i + 1
	}
	if cut := strings.LastIndexAny(user, "=([{,;|"); cut >= 0 {
		start += cut + 1
		user = user[cut+1:]
	}
	if password != "" && isUser(user, password) && isHostLike(host) {
		m.userSpan(start, i)
	}
	return i + 1
}

// slashed masks user/password before the @ at i, as clients of Oracle take it.
func (m *masker) slashed(start, i int) {
	t := m.text
	if thin := strings.LastIndex(t[start:i], ":thin:"); thin >= 0 {
		start += thin + len(":thin:")
	} else {
		before := strings.ToLower(strings.TrimRight(t[max(0, start-maxScheme):start], " "))
		known := false
		for _, tool := range []string{"sqlplus", "connect", "conn", "sqlldr", "expdp", "impdp", "rman target"} {
			known = known || strings.HasSuffix(before, tool)
		}
		if !known {
			return
		}
	}
	if user, password, found := strings.Cut(t[start:i], "/"); found && user != "" && password != "" {
		m.userSpan(start, i)
	}
}

func isUser(user, password string) bool {
	ratio := strings.IndexByte(password, ':') > 0 && strings.Trim(password, "0123456789.:") == ""
	if ratio || isDigits(user) || strings.HasPrefix(password, "//") || user == "" && !mixed(password) {
		return false
	}
	if !labels[strings.ToLower(user)] {
		return true
	}
	l := lookAt(password) // of mail:bob@host the name, of admin:Xk4o2@host a password
	return strings.IndexByte(password, ':') >= 0 || l.uppers > 0 && l.digits > 0 || strings.ContainsAny(password, "!#$%^&*")
}

// isHostLike reports whether what follows an @ may be a host: 1080p60 and sha256:... are none.
func isHostLike(s string) bool {
	host, rest, _ := strings.Cut(s, ":")
	host = strings.TrimRight(host, trailing)
	if host == "" || strings.HasPrefix(host, "sha") && len(rest) > 30 {
		return s != "" && s[0] == '['
	}
	if host[0] >= '0' && host[0] <= '9' {
		top := host[strings.LastIndexByte(host, '.')+1:]
		address := strings.Count(host, ".") == 3 && isDigits(strings.ReplaceAll(host, ".", ""))
		return address || len(top) < len(host) && isWord(top) && len(top) > 1
	}
	return isLetter(host[0])
}
