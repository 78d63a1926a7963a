// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// urlParts says where the parts of a URL are.
type urlParts struct {
	scheme    string // in lower case
	start     int    // of the scheme
	host, end int
	query     int // where the path ends
	depth     uint8
}

const (
	maxScheme   = 24
	maxPassword = 256
)

// trailing is what follows a URL or a value in a sentence rather than being part of it.
const trailing = ".,;:!')}]\\|"

// trim returns s without what follows it in a sentence, at its end. The mask stays whole.
func trim(s, cutset string) string {
	out := strings.TrimRight(s, cutset)
	if strings.HasPrefix(s[len(out):], "]") && strings.HasSuffix(out, Mask[:len(Mask)-1]) {
		out = s[:len(out)+1]
	}
	return out
}

var urlStops = setOf(" \t\r\n\"<>`")

// schemeStart returns where the scheme before the :// at sep starts.
func (m *masker) schemeStart(sep int) int {
	start := sep
	for start > 0 && sep-start < maxScheme && (isAlnum(m.text[start-1]) || strings.IndexByte("+-.", m.text[start-1]) >= 0) {
		start--
	}
	return start
}

// stops reports whether a URL that was decoded to depth ends at i.
func (m *masker) stops(i int, depth uint8) bool {
	return !m.whole && urlStops[m.text[i]] && (m.depth(i) <= depth || m.isEscaped(i))
}

// until returns where the first of chars is from i on, within a URL.
func (m *masker) until(i int, chars string, depth uint8) int {
	from := i
	for i < len(m.text) && !m.stops(i, depth) && strings.IndexByte(chars, m.text[i]) < 0 {
		i++
	}
	m.cost += i - from
	return i
}

// authority goes through the URL of which the :// is at sep, and returns where its path begins.
func (m *masker) authority(sep int) int {
	u := urlParts{start: m.schemeStart(sep), host: sep + len("://"), depth: m.depth(sep)}
	if u.scheme = m.text[u.start:sep]; caseTurns(u.scheme) > 0 || u.scheme != "" && isUpper(u.scheme[0]) {
		u.scheme = strings.ToLower(u.scheme)
	}
	end := m.until(u.host, `/?#\`, u.depth)
	if at := m.lostAt(&u, end); at >= 0 {
		m.userSpan(u.host, at)
		u.host = at + 1
		end = m.until(u.host, `/?#\`, u.depth)
	}
	if at := strings.LastIndexByte(m.text[u.host:end], '@'); at >= 0 {
		at += u.host
		switch user := m.text[u.host:at]; {
		case m.depth(at) > u.depth:
			m.userSpan(u.host, end) // encoded as a whole
		case !isPlainUser(u.scheme, user):
			m.userSpan(u.host, at)
		}
		u.host = at + 1
	} else if portOf(m.text[u.host:end]) == portBad && u.scheme != "docker" && u.scheme != "oci" {
		m.userSpan(u.host, u.host+len(trim(m.text[u.host:end], trailing))) // a user info that lost its host
	}
	m.parts(&u, end)
	return max(end, sep+1)
}

func (m *masker) userSpan(start, end int) {
	if m.text[start:end] != UserInfoMask {
		m.add(span{start, end, true})
	}
}

// isPlainUser reports whether a user info is the name of a user that everybody knows.
func isPlainUser(scheme, user string) bool {
	switch {
	case user == "", user == "git", user == "hg", user == "anonymous":
		return true
	case strings.IndexByte(user, ':') >= 0:
		return false
	}
	return (strings.Contains(scheme, "ssh") || scheme == "sftp" || scheme == "scp" || scheme == "rsync") && !opaque(user)
}

// lostAt returns where the user info of a URL ends if that is beyond its authority, and -1 otherwise. A secret key often
// contains a slash that nobody encoded, and in a text a password may hold what otherwise ends a URL.
func (m *masker) lostAt(u *urlParts, end int) int {
	auth := m.text[u.host:end]
	at := strings.LastIndexByte(auth, '@')
	host := auth[at+1:]
	port := portOf(host)
	dotted := strings.IndexByte(host, '.') >= 0 || strings.HasPrefix(host, "[") || strings.HasPrefix(host, "localhost")
	if at >= 0 && (port == portNumber || dotted) || at < 0 && port != portBad && (dotted || port == portNone) {
		return -1
	}
	found := m.nextAt(end)
	if found < 0 || found-end > maxPassword || !isAlnum(m.at(found+1)) && m.at(found+1) != '[' {
		return -1
	}
	between := m.text[end:found]
	m.cost += len(between)
	stray := port != portBad && (strings.ContainsAny(between, "?# \t\"<>") || m.text[found-1] == '/')
	if stray || !m.whole && strings.Contains(between, "://") {
		return -1
	}
	// A password may hold an @ itself.
	for i := found + 1; i < len(m.text) && !m.stops(i, u.depth) && i-found < maxPassword; i++ {
		m.cost++
		if m.text[i] == '@' {
			found = i
		} else if m.text[i] == '/' && !m.whole {
			break
		}
	}
	return found
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
	host = strings.TrimRight(host, trailing)
	i := strings.IndexByte(host, ':')
	if i < 0 || i == len(host)-1 {
		return portNone
	}
	port := host[i+1:]
	rest := strings.TrimLeft(port, "0123456789")
	switch strings.ToLower(strings.Trim(port, "<>{}$[]")) {
	case "port", "%d", "%s", "%v":
		return portNumber
	}
	switch numbered := len(rest) < len(port); {
	case port[0] == '$', rest == "", numbered && strings.IndexByte(";,|", rest[0]) >= 0,
		numbered && strings.Trim(rest, "-+*>,;!?'\")]}") == "":
		return portNumber
	}
	return portBad
}

// parts goes through the path, and finds out where the URL ends: where another one begins, at the latest.
func (m *masker) parts(u *urlParts, from int) {
	t := m.text
	u.query, u.end = -1, from
	for u.end < len(t) && !m.stops(u.end, u.depth) {
		c := t[u.end]
		if (c == '?' || c == '#') && u.query < 0 {
			u.query = u.end
		}
		if c == ':' && strings.HasPrefix(t[u.end:], "://") {
			u.end = max(m.schemeStart(u.end), from)
			break
		}
		if c == '\'' && !m.whole && (u.end+1 == len(t) || !isAlnum(t[u.end+1]) && t[u.end+1] != '%') {
			break
		}
		u.end++
	}
	m.cost += u.end - from
	if !m.whole {
		u.end = from + len(trim(t[from:u.end], trailing))
	}
	if u.query < 0 || u.query > u.end {
		u.query = u.end
	}
	m.url = *u
	m.path(u, from)
}

// path masks what is a credential in the path of a URL: the key at the end of an address that something is streamed to;
// what follows a segment that names a credential; and the tokens in the addresses of webhooks.
func (m *masker) path(u *urlParts, from int) {
	if from >= u.query {
		return
	}
	t := m.text
	stream := strings.HasPrefix(u.scheme, "rtmp")
	live := strings.HasPrefix(u.scheme, "rts") || strings.HasPrefix(u.scheme, "srt") || u.scheme == "rist"
	ingest := strings.HasPrefix(u.scheme, "whip") || strings.HasPrefix(u.scheme, "whep") || u.scheme == "webrtc"
	hook := strings.HasPrefix(strings.ToLower(t[u.host:from]), "hooks.")
	before, last := "", u.query
	for last > from && t[last-1] == '/' {
		last--
	}
	for n, i := 0, from; i < u.query; n++ {
		end := i + 1
		for end < u.query && t[end] != '/' {
			end++
		}
		s := t[min(i+1, end):end]
		switch {
		case s == "" || s == Mask || s[0] == ':':
		case stream && n > 0 && end >= last && !commonStreams[strings.ToLower(s)] && (!isWord(s) || !isLoopback(t[u.host:from])),
			ingest && (tokenLike(s) || !isWord(s)),
			hook && tokenLike(s),
			live && opaque(s),
			opaque(s) && strings.IndexByte(s, '.') < 0 && strengthOf(before) >= weak,
			strings.HasPrefix(s, "bot") && strings.IndexByte(s, ':') > 0 && len(s) > 20:
			m.mask(i+1, end)
		}
		switch before = strings.ToLower(s); before {
		case "hooks", "webhook", "webhooks", "webhookb2":
			hook = true
		case "whip", "whep", "webrtc", "ingest":
			ingest = true
		}
		i = end
	}
}

// commonStreams are names of streams that are no keys.
var commonStreams = words("stream")

func isLoopback(host string) bool {
	return strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]")
}

// isWord reports whether s consists of letters only, and of few.
func isWord(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) {
			return false
		}
	}
	return len(s) <= 10
}
