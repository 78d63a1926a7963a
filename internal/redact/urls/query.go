// SPDX-License-Identifier: Apache-2.0

package urls

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// The kinds of parameters of queries. One of a number or a word that is neither is masked: it isn't what it claims to be.
var (
	numberParams = words.Set("number param")
	wordParams   = words.Set("word param")
	nameParams   = words.Set("name param")
	secretParams = words.Set("secret param")
)

var paramBytes = view.SetOf("0123456789-_.~[]$" + view.Alphabet)

// formStarts are the bytes that a form may begin behind.
var formStarts = view.SetOf(" \t\r\n\"'`&?#<>(){}[],;")

const (
	maxParam = 64  // bytes of the name of a query parameter
	maxFact  = 128 // bytes of a value that is believed to be harmless
	maxShort = 12  // bytes of a word in one that is typed
)

// Param looks at the query parameter after the ?, & or # at i, and at the one before it that a form begins with: code=a1B2&state=x. Those
// with a name that means a credential are masked as everywhere; here, others with a value that looks like one.
func (m *Masker) Param(i int) {
	if i >= m.URL.End && m.Text[i] == '&' && i != m.QueryEnd && m.PairFollows(i+1) {
		from, least := i, max(m.QueryEnd, m.URL.End, i-maxFact)
		for from > least && !formStarts[m.Text[from-1]] {
			from--
		}
		m.Cost += i - from
		if name, _, _ := strings.Cut(m.Text[from:i], "="); (from > least || from == 0) && secretParams[strings.ToLower(name)] {
			m.param(from - 1)
		}
	}
	m.param(i)
}

func (m *Masker) param(i int) {
	t := m.Text
	inURL := i >= 0 && i < m.URL.End
	depth := m.Depth(max(i, 0))
	nameEnd := i + 1
	for nameEnd < len(t) && nameEnd-i <= maxParam && paramBytes[t[nameEnd]] {
		nameEnd++
	}
	name := strings.ToLower(t[i+1 : nameEnd])
	if m.At(nameEnd) != '=' {
		ends := nameEnd == len(t) || strings.IndexByte("&#"+page.Trailing, t[nameEnd]) >= 0 || m.stops(nameEnd, depth)
		if (inURL || m.Whole) && ends && words.Opaque(name) && t[nameEnd-1] != ']' {
			m.Hide(i+1, nameEnd)
		}
		return
	}
	if name == "" {
		return
	}
	end := nameEnd + 1
	for end < len(t) && (t[end] != '&' && t[end] != '#' && t[end] != '?') && !m.stops(end, depth) && (!inURL || end < m.URL.End) {
		end++
	}
	m.Cost += end - i
	if !inURL {
		end = nameEnd + 1 + len(page.Trim(t[nameEnd+1:end], page.Trailing))
	}
	m.QueryEnd = end
	value := t[nameEnd+1 : end]
	if value != "" && value[0] != '=' && len(value) < 4 && !numberParams[name] && !wordParams[name] { // too short to be opaque
		return
	}
	switch {
	case strings.Trim(value, "=") == "" && (name != "streamid" || m.At(end) != '#'):
		if words.Opaque(t[i+1 : nameEnd]) { // no parameter at all, but one end of something in base64
			m.Hide(i+1, end)
		}
	case name == "streamid" && strings.HasPrefix(m.URL.Scheme, "srt") && inURL:
		for end < m.URL.End && t[end] != '&' {
			end++
		}
		if value == "" || value[0] != '{' || !words.IsNothing(value) {
			m.Hide(nameEnd+1, end)
		}
	case strings.HasPrefix(value, page.Mask), strings.Contains(value, "://"), words.IsNothing(value):
	case !m.isHarmless(name, value), inURL && checksums[name] && words.Opaque(value) && m.expires(i):
		m.Hide(nameEnd+1, end)
	}
}

var checksums, expiries = words.Set("checksum param"), words.Set("expiry param")

// expires reports whether the URL says near i when it expires: then what is called a checksum is its signature, as of nginx's secure_link.
func (m *Masker) expires(i int) bool {
	const longest = 12
	from, to := max(m.URL.Query, i-maxFact), min(m.URL.End, i+maxFact)
	m.Cost += to - from
	for ; from < to; from++ {
		if c := m.Text[from]; c != '?' && c != '&' {
			continue
		}
		name, _, found := strings.Cut(m.Text[from+1:min(to, from+longest)], "=")
		if found && expiries[strings.ToLower(name)] {
			return true
		}
	}
	return false
}

// isHarmless reports whether the value of a query parameter with this name can't be a credential.
func (m *Masker) isHarmless(name, value string) bool {
	path := m.Text[:m.URL.Query]
	switch {
	case numberParams[name], wordParams[name]:
		return len(value) <= maxFact && isTyped(wordParams[name], value)
	case secretParams[name], name == "key" && strings.HasPrefix(m.URL.Scheme, "rtmp"):
		return !words.Mixed(value)
	case name == "cid" && (strings.HasSuffix(path, "/http_upload_hls") || strings.HasSuffix(path, "/dash_upload")):
		return false // the key of a stream to YouTube
	case name == "upload_id" && strings.Contains(path[min(m.URL.Host, len(path)):], "googleapis.com"):
		return false // who has the address of a resumable upload may go on with it
	case len(value) > maxFact:
		return !words.Opaque(value[:maxFact]) && !words.Opaque(value[len(value)-maxFact:])
	}
	last := words.LastWord(name)
	return words.IsCursor(value) || nameParams[last] || strings.HasSuffix(last, "id") && len(last) > len("guid") || !words.Opaque(value)
}

// isTyped reports whether value is a word, or else a number or a time.
func isTyped(word bool, value string) bool {
	if !word {
		return strings.Trim(value, "0123456789.:,-hmsPTHMSZ") == ""
	}
	l := words.LookAt(value)
	return l.Longest <= maxShort && strings.Trim(value, "0123456789._-+/;% ="+view.Alphabet) == ""
}

// UserInfo masks the user and the password before the @ at i, where there is no scheme, and returns where to go on.
func (m *Masker) UserInfo(i int) int {
	t := m.Text
	inURL := i < m.URL.End
	start, colon := i, false
	for ; start > m.userEnd && i-start < maxPassword; start-- {
		c := t[start-1]
		if page.URLStops[c] || c == '\'' || inURL && (c == '/' || c == '?') {
			break
		}
		colon = colon || c == ':'
	}
	m.Cost += i - start
	end := i + 1
	for ; end < len(t) && end-i < maxPassword && !page.URLStops[t[end]] && t[end] != '/'; end++ {
		if m.Cost++; t[end] == '@' && view.IsAlnum(m.At(end+1)) { // the password holds an @
			i, colon = end, true
		}
	}
	m.userEnd = i + 1
	if t[start:i] == page.UserInfoMask || !colon && m.At(start) == '/' { // the latter has no user
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
		m.HideUser(start, i)
	}
	return i + 1
}

var clients = words.Set("oracle client")

// slashed masks user/password before the @ at i, as clients of Oracle take it: behind their names, behind :thin:, or where the address
// of a database follows (@//host:1521/db, @host:1521/db).
func (m *Masker) slashed(start, i int) {
	t := m.Text
	thin := strings.LastIndex(t[start:i], ":thin:")
	if thin >= 0 {
		start += thin + len(":thin:")
	}
	user, password, _ := strings.Cut(t[start:i], "/")
	if user == "" || password == "" {
		return
	}
	host, _, path := strings.Cut(t[i+1:min(len(t), i+1+maxPassword)], "/")
	_, port, _ := strings.Cut(host, ":")
	before := words.LastWord(strings.TrimSpace(m.LineBefore(start, page.MaxScheme)))
	if thin >= 0 || path && (host == "" && m.At(i+2) == '/' || view.IsDigits(port)) || clients[before] {
		m.HideUser(start, i)
	}
}

func isUser(user, password string) bool {
	ratio := strings.IndexByte(password, ':') > 0 && strings.Trim(password, "0123456789.:") == ""
	if ratio || view.IsDigits(user) || strings.HasPrefix(password, "//") || user == "" && !words.Mixed(password) {
		return false
	}
	if !labels[strings.ToLower(user)] {
		return true
	}
	l := words.LookAt(password) // of mail:bob@host the name, of admin:Xk4o2@host a password
	return strings.IndexByte(password, ':') >= 0 || l.Uppers > 0 && l.Digits > 0 || strings.ContainsAny(password, "!#$%^&*")
}

// isHostLike reports whether what follows an @ may be a host: 1080p60 and sha256:... are none.
func isHostLike(s string) bool {
	if strings.HasPrefix(s, "[") { // of IPv6
		return strings.IndexByte(s, ']') > 0
	}
	host, rest, _ := strings.Cut(s, ":")
	host = strings.TrimRight(host, page.Trailing)
	if host == "" || strings.HasPrefix(host, "sha") && len(rest) > 30 {
		return false
	}
	if host[0] >= '0' && host[0] <= '9' {
		top := host[strings.LastIndexByte(host, '.')+1:]
		address := strings.Count(host, ".") == 3 && view.IsDigits(strings.ReplaceAll(host, ".", ""))
		return address || len(top) < len(host) && isWord(top) && len(top) > 1
	}
	return view.IsLetter(host[0])
}

var labels = words.Set("mail")
