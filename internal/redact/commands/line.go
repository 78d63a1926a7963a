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
	const most = 64
	t := m.Text
	start := i
	for start > 0 && i-start < most && (view.IsNameByte(t[start-1]) || t[start-1] == '*') {
		start--
	}
	m.Cost += i - start
	before := m.At(start - 1)
	host := t[start:i]
	if before == '=' && m.isUser(start-1) {
		return m.loginAt(i)
	}
	if start == i || before != 0 && !view.IsSpace(before) && !view.IsQuote(before) || words.IsFile(host) || view.IsDigits(host) {
		return i + 1
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
	end := m.Bare(i+1, m.Depth(i), true)
	if text := t[i+1 : end]; text == "" || view.IsDigits(text) || m.At(end) == ':' || strings.HasPrefix(t[i+1:], page.Mask) {
		return i + 1
	}
	m.Hide(i+1, end)
	return end
}

// isDatabase reports whether host and port may be those of a database rather than any word and number.
func isDatabase(host, port string) bool {
	known := strings.Contains(port, "543") || port == "6432"
	return view.IsDigits(port) && len(port) <= 5 && (known || strings.IndexByte(host, '.') > 0 || host == "localhost" || host == "*")
}

// isUser reports whether the name before i is that of a user.
func (m *Masker) isUser(i int) bool {
	start := i
	for start > 0 && i-start < words.MaxName && view.IsNameByte(m.Text[start-1]) {
		start--
	}
	m.Cost += i - start
	return users[words.LastWord(m.Text[start:i])]
}

// loginAt masks the password behind the colon at i in user=bob:hunter2, and returns where to go on.
func (m *Masker) loginAt(i int) int {
	end := m.Bare(i+1, m.Depth(i), true)
	if text := m.Text[i+1 : end]; !words.Mixed(text) || strings.HasPrefix(m.Text[i+1:], page.Mask) {
		return i + 1
	}
	m.Hide(i+1, end)
	return end
}

// Slash masks the password of the option at i, as commands of Windows have it, behind one for a user: /u:bob /p:hunter2
func (m *Masker) Slash(i int) {
	if c := m.At(i + 1); c|0x20 != 'p' || m.At(i+2) != ':' || !view.IsSpace(m.At(i-1)) || strings.HasPrefix(m.Text[i+3:], page.Mask) {
		return
	}
	before := strings.ToLower(m.Text[max(0, i-page.MaxLook):i])
	m.Cost += len(before)
	if strings.Contains(before[strings.LastIndexByte(before, '\n')+1:], " /u:") {
		m.Hide(i+3, m.Bare(i+3, m.Depth(i), true))
	}
}

// piped has the option of each command that reads a password from a pipe.
var piped = func() map[string]string {
	table := map[string]string{}
	for _, s := range words.List("piped") {
		name, option, _ := strings.Cut(s, "=")
		table[name] = option
	}
	return table
}()

// Pipe masks what is written into the pipe at i if what reads there wants a password: echo hunter2 | sudo -S ls
func (m *Masker) Pipe(i int) {
	t := m.Text
	from := m.blanks(i + 1)
	end := m.NameEndAt(from)
	option, found := piped[t[from:end]]
	if !found {
		return
	}
	rest, _, _ := strings.Cut(t[end:min(len(t), end+page.MaxLook)], "\n")
	before := t[max(0, i-page.MaxLook):i]
	before = before[strings.LastIndexAny(before, "\n;&|")+1:]
	m.Cost += 2 * page.MaxLook
	m.Keys++
	for _, writes := range []string{"echo ", "printf ", "Write-Output "} {
		at := strings.LastIndex(before, writes)
		if at < 0 || !strings.Contains(rest, option) {
			continue
		}
		start := m.blanks(i - len(before) + at + len(writes))
		for m.At(start) == '-' { // options
			start = m.blanks(m.NameEndAt(start))
		}
		text := strings.TrimRight(t[start:max(start, i)], " ")
		if text != "" && text[0] != '$' && !strings.HasPrefix(text, `"$`) && !strings.HasPrefix(text, page.Mask) {
			m.Hide(start, start+len(text))
		}
	}
}
