// SPDX-License-Identifier: Apache-2.0

package urls

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// Masker masks the credentials in URLs.
type Masker struct {
	*page.Page
	userEnd int // up to where user infos without a scheme were looked for already
	pathEnd int // and paths without one
	ats     cursor
}

// cursor remembers where the next @ of a line is, so that it is not searched for again and again.
type cursor struct{ from, found int }

// nextAt returns where the first @ from i on is, -1 if there is none in this line.
func (m *Masker) nextAt(i int) int {
	if c := &m.ats; i < c.from || i > c.found {
		c.from, c.found = i, i
		for c.found < len(m.Text) && m.Text[c.found] != '@' && (m.Text[c.found] != '\n' || m.Depth(c.found) > 0) {
			c.found++
		}
		m.Cost += c.found - i
	}
	if m.At(m.ats.found) != '@' {
		return -1
	}
	return m.ats.found
}

const maxPassword = 256

// stops reports whether a URL that was decoded to depth ends at i.
func (m *Masker) stops(i int, depth uint8) bool {
	return !m.Whole && page.URLStops[m.Text[i]] && (m.Depth(i) <= depth || m.IsEscaped(i))
}

// until returns where the first of chars is from i on, within a URL. One that was encoded further than the URL ends no part of it.
func (m *Masker) until(i int, chars string, depth uint8) int {
	from := i
	for i < len(m.Text) && !m.stops(i, depth) && (strings.IndexByte(chars, m.Text[i]) < 0 || m.isInner(i, depth)) {
		i++
	}
	m.Cost += i - from
	return i
}

// isInner reports whether what is at i was percent-encoded further than the URL that it is in, which was to depth.
func (m *Masker) isInner(i int, depth uint8) bool { return m.Depth(i) > depth && !m.IsEscaped(i) }

// Authority goes through the URL of which the :// is at sep, and returns where its path begins.
func (m *Masker) Authority(sep int) int {
	u := page.URL{Start: m.SchemeStart(sep), Host: sep + len("://"), Depth: m.Depth(sep)}
	u.Scheme = strings.ToLower(m.Text[u.Start:sep])
	if m.isInner(sep+1, u.Depth) { // https:%2F%2F
		u.Depth = m.Depth(sep + 1)
	}
	end := m.until(u.Host, `/?#\`, u.Depth)
	java := strings.EqualFold(m.Text[max(0, u.Start-len("jdbc:")):u.Start], "jdbc:")
	if i := strings.IndexByte(m.Text[u.Host:end], ';'); i >= 0 && java && m.At(m.NameEndAt(u.Host+i+1)) == '=' { // a password may hold an @
		end = u.Host + i
	} else if at := m.lostAt(&u, end); at >= 0 {
		m.HideUser(u.Host, at)
		u.Host = at + 1
		end = m.until(u.Host, `/?#\`, u.Depth)
	}
	if at := strings.LastIndexByte(m.Text[u.Host:end], '@'); at >= 0 {
		at += u.Host
		switch user := m.Text[u.Host:at]; {
		case m.Depth(at) > u.Depth:
			m.HideUser(u.Host, end) // encoded as a whole
		case !isPlainUser(u.Scheme, user):
			m.HideUser(u.Host, at)
		}
		u.Host = at + 1
	} else if portOf(m.Text[u.Host:end]) == portBad && u.Scheme != "docker" && u.Scheme != "oci" { // a user info that lost its host
		if user, _, _ := strings.Cut(m.Text[u.Host:end], ":"); strings.HasPrefix(u.Scheme, "s3") || words.TokenLike(user) {
			end = m.until(end, "?#", u.Depth) // a secret key often contains a slash
		}
		m.HideUser(u.Host, u.Host+len(page.Trim(m.Text[u.Host:end], page.Trailing)))
	}
	m.parts(&u, end)
	if i := strings.IndexByte(m.Text[min(u.Host, end):min(end+1, len(m.Text))], ';'); i >= 0 { // the properties of JDBC follow
		end = u.Host + i
		m.URL.Query, m.URL.End = min(m.URL.Query, end), min(m.URL.End, end)
	}
	return max(m.hostEnd(u.Host, end), sep+1)
}

// hostEnd returns where the host at i ends, before end: what is glued to it may be the next member of a list,
// https://h.example&token=hunter2
func (m *Masker) hostEnd(i, end int) int {
	if m.At(i) == '[' { // of IPv6
		i += 1 + strings.IndexByte(m.Text[i:max(i, end)], ']')
	}
	if n := strings.IndexAny(m.Text[min(i, end):end], "&,;|()]}"); n >= 0 {
		return i + n
	}
	return end
}

// isPlainUser reports whether a user info is the name of a user that everybody knows.
func isPlainUser(scheme, user string) bool {
	switch {
	case user == "", user == "git", user == "hg", user == "anonymous":
		return true
	case strings.IndexByte(user, ':') >= 0:
		return false
	}
	return (strings.Contains(scheme, "ssh") || scheme == "sftp" || scheme == "scp" || scheme == "rsync") && !words.Opaque(user)
}

// lostAt returns where the user info of a URL ends if that is beyond its authority, and -1 otherwise. A secret key often
// contains a slash that nobody encoded, and in a text a password may hold what otherwise ends a URL.
func (m *Masker) lostAt(u *page.URL, end int) int {
	auth := m.Text[u.Host:end]
	at := strings.LastIndexByte(auth, '@')
	host := auth[at+1:]
	port := portOf(host)
	dotted := strings.IndexByte(host, '.') >= 0 || strings.HasPrefix(host, "[") || strings.HasPrefix(host, "localhost")
	glued := strings.HasSuffix(auth, ":") && len(auth) > 1 && // https://bob:hunt://er2@host, s3://AKID:/a secret key@host
		(strings.HasPrefix(m.Text[end:], "//") || !dotted && m.At(end) == '/')
	if at >= 0 && (port == portNumber || dotted) || at < 0 && port != portBad && (dotted || port == portNone) && !glued {
		return -1
	}
	found := m.nextAt(end)
	if found < 0 || found-end > maxPassword || !view.IsAlnum(m.At(found+1)) && m.At(found+1) != '[' {
		return -1
	}
	between := m.Text[end:found]
	m.Cost += len(between)
	stray := port != portBad && (strings.ContainsAny(between, "?# \t\"<>") || m.Text[found-1] == '/')
	apart := port != portBad || strings.ContainsAny(between, " \t\"<>") // what lost its host needs the one behind the next @
	if stray || !m.Whole && apart && m.another(u.Host, found) {
		return -1
	}
	// A password may hold an @ itself.
	for i := found + 1; i < len(m.Text) && !m.stops(i, u.Depth) && i-found < maxPassword; i++ {
		m.Cost++
		if m.Text[i] == '@' {
			found = i
		} else if m.Text[i] == '/' && !m.Whole {
			break
		}
	}
	return found
}

var schemes = words.Set("url scheme")

// another reports whether between two places another URL begins, and not only something that looks so.
func (m *Masker) another(from, to int) bool {
	for i := from; i < to; i++ {
		if strings.HasPrefix(m.Text[i:to], "://") && schemes[strings.ToLower(m.Text[m.SchemeStart(i):i])] {
			return true
		}
	}
	return false
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
	host = strings.TrimRight(host, page.Trailing)
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
	const longest = 5
	if rest == "" {
		if len(port) > longest {
			return portBad
		}
		return portNumber
	}
	if numbered := len(rest) < len(port); port[0] == '$' || numbered && strings.IndexByte(";,|-+*>!?'\")]}", rest[0]) >= 0 {
		return portNumber
	}
	return portBad
}

// parts goes through the path, and finds out where the URL ends: where another one begins, at the latest.
func (m *Masker) parts(u *page.URL, from int) {
	t := m.Text
	u.Query, u.End = -1, from
	for u.End < len(t) && !m.stops(u.End, u.Depth) {
		c := t[u.End]
		if (c == '?' || c == '#') && u.Query < 0 {
			u.Query = u.End
		}
		if c == ':' && strings.HasPrefix(t[u.End:], "://") {
			u.End = max(m.SchemeStart(u.End), from)
			break
		}
		if c == ';' && !m.Whole && u.End > 0 && t[u.End-1] == '/' && m.PairFollows(u.End+1) { // Endpoint=sb://h.example/;SharedAccessKey=
			break
		}
		if c == '\'' && !m.Whole && (u.End+1 == len(t) || !view.IsAlnum(t[u.End+1]) && t[u.End+1] != '%') {
			break
		}
		u.End++
	}
	m.Cost += u.End - from
	if !m.Whole {
		u.End = from + len(page.Trim(t[from:u.End], page.Trailing))
	}
	if u.Query < 0 || u.Query > u.End {
		u.Query = u.End
	}
	m.URL = *u
	m.path(u, from)
}
