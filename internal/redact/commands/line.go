// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// Fields masks the last field of host:port:database:user:password, as PostgreSQL keeps them, of which the first colon is at i. It returns
// where to go on.
func (m *Masker) Fields(i int) int {
	const most, mask = 64, "::add-mask::"
	t := m.Text
	start := m.NameStartAt(i)
	switch m.At(i - 1) {
	case '*': // any host
		start = i - 1
	case ']': // [::1]:5432
		if bracket := strings.LastIndexByte(t[max(0, i-most):i], '['); bracket >= 0 {
			start = max(0, i-most) + bracket
		}
	}
	before, host := m.At(start-1), t[start:i]
	switch {
	case m.At(i+1) == ':' && strings.HasPrefix(t[i:], mask): // of GitHub
		return m.hideBare(i + len(mask))
	case before == '=' && m.endsUser(i),
		before == ' ' && words.Roles(host)&^words.IsSecretKey == 0 && view.HasFold(m.Text[max(0, start-len("login ")):], "login "):
		return m.loginAt(i)
	case host == "publish" || host == "read": // an ID of SRT, as MediaMTX takes it: publish:path:bob:hunter2
		if from := m.behindFields(i, 2); from > 0 {
			return m.hideBare(from)
		}
	case before == ' ' && m.At(i+1) == ' ' && strings.EqualFold(host, "p"): // L: bob P: hunter2
		all := strings.Fields(strings.ToLower(m.LineBefore(start, most)))
		if n := len(all) - 2; n >= 0 && strings.HasSuffix(all[n], "l:") {
			return m.loginAt(m.Spaces(i+1) - 1)
		}
	case before == '=' && m.At(start-2) == 'k' && !view.IsNameByte(m.At(start-3)) && (host == "clear" || host == "base64"): // of SDP
		return m.hideBare(i + 1)
	}
	if start == i || before != 0 && !view.IsSpace(before) && !view.IsQuote(before) || words.IsFile(host) || view.IsDigits(host) {
		return i + 1
	}
	if next := m.account(i); next > 0 {
		return next
	}
	if before == ' ' && words.Roles(host) == 0 && m.ofMailServer(start) {
		return m.hideBare(i + 1)
	}
	for n := range 3 { // port, database, user
		end := i + 1
		for end < len(t) && end-i < most && (view.IsNameByte(t[end]) || t[end] == '*' || t[end] == '@') {
			end++
		}
		m.Cost += end - i
		field := t[i+1 : end]
		number := view.IsDigits(field)
		if field == "" || m.At(end) != ':' || n == 0 && field != "*" && !isDatabase(host, field) || n > 0 && number {
			return i + 1
		}
		i = end
	}
	return m.hideBare(i + 1)
}

// isDatabase reports whether host and port may be those of a database rather than any word and number.
func isDatabase(host, port string) bool {
	known := strings.Contains(port, "543") || port == "6432"
	return view.IsDigits(port) && len(port) <= 5 && (known || strings.IndexByte(host, '.') > 0 || host == "localhost" || host == "*")
}

// endsUser reports whether a user ends at i that is named so: user=bob
func (m *Masker) endsUser(i int) bool {
	start := m.NameStartAt(i)
	return start < i && m.At(start-1) == '=' && users[words.LastWord(m.Text[m.NameStartAt(start-1):start-1])]
}

// Percent masks the password behind the percent sign at i in user=bob%hunter2, as Samba has it.
func (m *Masker) Percent(i int) {
	if m.endsUser(i) {
		m.hideBare(i + 1)
	}
}

// loginAt masks the password behind the colon at i in user=bob:hunter2, and returns where to go on.
func (m *Masker) loginAt(i int) int {
	if end := m.Bare(i+1, m.Depth(i), true); !words.Mixed(m.Text[i+1 : end]) {
		return i + 1
	}
	return m.hideBare(i + 1)
}

// hideBare masks what is at i, up to white space, and returns where that ends.
func (m *Masker) hideBare(i int) int {
	end := m.Bare(i, m.Depth(i-1), true)
	m.Hide(i, end)
	return max(i, end)
}

// account masks the password in a line of /etc/passwd, /etc/shadow and their kin, bob:hunter2:1001:1001:Bob:/home/bob:/bin/sh, of which the
// first colon is at i, or the hashes in one of Samba. It returns where to go on, 0 if there is none.
func (m *Masker) account(i int) int {
	const fields, shortest, hash = 7, 6, 32
	var starts [fields]int
	n, end := 0, i
	for ; end < len(m.Text) && end-i < page.MaxLook && n < fields && !view.IsQuote(m.Text[end]) && m.Text[end] != '\n'; end++ {
		if m.Text[end] == ':' {
			starts[n] = end + 1
			if n++; n == 2 && !view.IsDigits(m.Text[starts[0]:end]) && (end-starts[0] < shortest || !m.isNumber(end+1)) {
				break // as most are
			}
		} else if n < 3 && view.IsSpace(m.Text[end]) {
			break
		}
	}
	m.Cost += end - i
	if n < fields-1 {
		return 0
	}
	text := m.Text[starts[0] : starts[1]-1]
	switch {
	case view.IsDigits(text):
		if l := words.LookAt(m.Text[starts[1] : starts[2]-1]); l.Longest != hash || starts[2]-starts[1] != hash+1 {
			return 0
		}
		m.Hide(starts[1], starts[3]-1)
		return starts[3] - 1
	case words.IsNothing(text):
		return 0
	}
	m.Hide(starts[0], starts[1]-1)
	return starts[1] - 1
}

// ofMailServer reports whether the user at i stands behind a server, as Postfix keeps them: [smtp.example.com]:587 bob:hunter2
func (m *Masker) ofMailServer(i int) bool {
	server := strings.TrimRight(m.LineBefore(i, words.MaxName), " \t")
	host, port, found := strings.Cut(server[strings.LastIndexByte(server, '[')+1:], "]:")
	return found && view.IsDigits(port) && strings.IndexByte(host, '.') > 0
}

// isNumber reports whether the field at i, up to a colon, is a number.
func (m *Masker) isNumber(i int) bool {
	end := m.NameEndAt(i)
	return view.IsDigits(m.Text[i:end]) && m.At(end) == ':'
}

// Star masks the password in a line of PPP, "bob" * "hunter2" *, of which a star is at i.
func (m *Masker) Star(i int) {
	from := m.Blanks(i + 1)
	if from == i+1 || !view.IsSpace(m.At(i-1)) || !view.IsQuote(m.At(from)) {
		return
	}
	v := m.Quoted(from)
	if star := m.Blanks(v.Next); star > v.Next && m.At(star) == '*' && (m.isAtLineEnd(star+1) || view.IsQuote(m.At(star+1))) {
		m.Hide(v.Start, v.End)
	}
}
