// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// position is where a command, or a line of a configuration, has its credential.
type position struct {
	words []string // behind the first one
	nth   int      // argument
	vague bool     // the words may be those of a sentence
}

// positions are by the first word, in lower case.
var positions = func() map[string][]position {
	table := map[string][]position{}
	for _, s := range words.List("positional") {
		command, nth, _ := strings.Cut(strings.ToLower(s), "=")
		all := strings.Split(command, "/")
		table[all[0]] = append(table[all[0]], position{all[1:], int(nth[0] - '0'), strings.HasSuffix(nth, "?")})
	}
	return table
}()

// positional masks the credential that has its place in the command that s begins. It returns where to go on, 0 if there is none.
func (m *Masker) positional(s *subject) int {
	for _, p := range positions[strings.ToLower(s.word)] {
		i, found := s.end, true
		for _, word := range p.words {
			from := m.blanks(i)
			end := m.NameEndAt(from)
			found = found && from > i && strings.EqualFold(m.Text[from:end], word)
			i = end
		}
		if !found {
			continue
		}
		m.Keys++
		if next := m.argument(i, p); next > 0 {
			return next
		}
	}
	return 0
}

// argument masks the argument of p, of those from i on in this line. Options don't count, and one digit says how the next is encrypted.
func (m *Masker) argument(i int, p position) int {
	const most = 12
	typed := false
	for range most {
		from := m.blanks(i)
		v, ok := m.valueAt(&subject{start: from, strength: words.Sure}, link{bond: spaced, value: from})
		if from == i || !ok || m.isAtLineEnd(from) {
			return 0
		}
		if n, closing := m.Opening(from); n == 1 { // without what is glued to it elsewhere
			v.End = m.Closed(from+n, closing, m.Depth(from))
			v.Next = min(len(m.Text), v.End+1)
		}
		text := m.Text[v.Start:min(v.End, v.Start+page.MaxLook)]
		i = v.Next
		switch {
		case text[0] == '-':
		case len(text) == 1 && view.IsDigits(text):
			typed = true
		case p.nth > 1:
			p.nth--
		case words.IsProse(text), words.IsNothing(text), words.Roles(strings.ToLower(text)) != 0, p.vague && !typed && !words.Mixed(text):
			return 0
		default:
			m.Hide(v.Start, v.End)
			return v.Next
		}
	}
	return 0
}

// blanks returns where the white space at i ends, within the line.
func (m *Masker) blanks(i int) int {
	for m.At(i) == ' ' || m.At(i) == '\t' {
		i++
	}
	return i
}

func (m *Masker) isAtLineEnd(i int) bool { return strings.IndexByte("\x00\n\r", m.At(i)) >= 0 }

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
		if field == "" || m.At(end) != ':' || n == 0 && field != "*" && (!number || len(field) > 5) || n > 0 && number {
			return i + 1
		}
		i = end
	}
	end := m.Bare(i+1, m.Depth(i), true)
	if text := t[i+1 : end]; text == "" || view.IsDigits(text) || m.At(end) == ':' {
		return i + 1
	}
	m.Hide(i+1, end)
	return end
}

// isUser reports whether the name before i is that of a user.
func (m *Masker) isUser(i int) bool {
	start := i
	for start > 0 && i-start < maxAside && view.IsNameByte(m.Text[start-1]) {
		start--
	}
	m.Cost += i - start
	return users[words.LastWord(m.Text[start:i])]
}

// loginAt masks the password behind the colon at i in user=bob:hunter2, and returns where to go on.
func (m *Masker) loginAt(i int) int {
	end := m.Bare(i+1, m.Depth(i), true)
	if text := m.Text[i+1 : end]; !words.Mixed(text) {
		return i + 1
	}
	m.Hide(i+1, end)
	return end
}

// Slash masks the password of the option at i, as commands of Windows have it, behind one for a user: /u:bob /p:hunter2
func (m *Masker) Slash(i int) {
	if c := m.At(i + 1); c|0x20 != 'p' || m.At(i+2) != ':' || !view.IsSpace(m.At(i-1)) {
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
