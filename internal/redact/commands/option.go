// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// Masker masks the credentials in commands.
type Masker struct {
	*page.Page
	command commandLine
	reader  reader
	table   table // that rows were printed of last
}

// commands have an option of one letter for a password, and that letter; a plus: the value may be glued to it. Behind a comma is a
// longer one.
var commands = words.Table("command")

// users are names of a user and of options for one, and ofUser the letters of the options for passwords that may follow one.
var users = words.Set("user")

const ofUser = "pPw"

const maxLetters = 6 // of options that stand together

// commandLine is what is known of a command line that is gone through.
type commandLine struct {
	seen    int // up to where
	letters string
	user    bool // it has an option for a user
}

// lettersAt returns the letters of the options for passwords of the command that has its options at i.
func (m *Masker) lettersAt(i int) string {
	c := &m.command
	for j := max(c.seen, i-page.MaxLook); j < i; j++ {
		switch b := m.Text[j]; {
		case b == '\n' && !strings.HasPrefix(m.Text[m.Blanks(j+1):], "- ") || b == '|' || b == ';':
			c.letters, c.user = "", false
		case view.IsNameByte(b):
			end := m.NameEndAt(j)
			word := m.Text[j:min(end, i)]
			if letters, ok := commands[m.program(j, min(end, i))]; ok && !strings.HasPrefix(m.Text[end:], "://") {
				c.letters = letters
			}
			c.user = c.user || users[word]
			j = end
		}
	}
	c.seen = i
	behind := m.Text[i:min(len(m.Text), i+2*page.MaxScheme)] // -p'hunter2' -u root
	if c.letters == "" && (c.user || view.IsQuote(m.At(i+len("-p"))) && strings.Contains(behind, " -u ")) {
		return ofUser
	}
	return c.letters
}

// program returns the name of the program from start to end as it is on any system: RAR.EXE is rar. What is before an escaped letter
// is a folder, whose backslash is gone.
func (m *Masker) program(start, end int) string {
	name := strings.ToLower(m.Text[start:end])
	if name, windows := strings.CutSuffix(name, ".exe"); windows {
		for k := len(name) - 1; k > 0; k-- {
			if m.IsEscaped(start + k) {
				return name[k:]
			}
		}
		return name
	}
	return m.Text[start:end]
}

// Option looks at the option of a command of which the dashes are from i to n: those with a name of their own are looked
// at as any name; here, those of one letter, and user:password. It returns where to go on.
func (m *Masker) Option(i, n int) int {
	t := m.Text
	if i > 0 && !view.IsSpace(t[i-1]) && strings.IndexByte("\"'[(,`", t[i-1]) < 0 || n-i > 2 || !view.IsLetter(m.At(n)) {
		return n
	}
	end, long := m.NameEndAt(n), n-i == 2
	if !long && t[n] != 'u' && t[end-1] == 'u' && end-n <= maxLetters && m.lettersAt(i) == "+u" { // curl -su
		n = end - 1
	}
	letter := t[n]
	user, pair := letter == 'u' || letter == 'U', false
	if long {
		switch t[n:end] {
		case "user", "proxy-user", "userpass", "basic-auth", "creds", "cert", "proxy-cert":
		default:
			return n
		}
	} else {
		glued := end > n+1
		if glued && strings.HasSuffix(t[:i], " flag: '"+t[n:n+1]+"' in ") && words.Mixed(t[n+1:end]) { // pflag doesn't know it
			m.Hide(n+1, end)
			return end
		}
		letters, word, _ := strings.Cut(m.lettersAt(i), ",")
		glues := strings.HasPrefix(letters, "+")
		isWord := word != "" && strings.HasPrefix(t[n:end], word) && (glues || end == n+len(word))
		known := isWord || strings.IndexByte(letters, letter) >= 0
		pair = known && strings.HasPrefix(letters, ":")
		user = user || pair
		if !known && !user || glued && !isWord && (!known || !glues) {
			return n
		}
		if end = n + 1; isWord { // -hp of RAR, -ap of swaks
			end = n + len(word)
		}
		if port := m.Blanks(end); letters == ofUser && view.IsDigits(m.Text[port:m.NameEndAt(port)]) {
			return n
		}
	}
	m.Keys++
	v, ok := m.Word(m.argumentOf(i, end), false)
	text := t[v.Start:min(v.End, v.Start+page.MaxLook)]
	switch name, secret := view.CutAny(text, ":%,"); {
	case !ok, text == "", words.IsNothing(text), view.IsDigits(name) && view.IsDigits(secret): // an ID, or a port
		return n
	case !v.Quoted && (words.IsProse(text) || words.Roles(text)&words.IsFact != 0) && view.IsLetter(m.At(v.Next+1)): // a sentence about it
		return n
	case strings.IndexByte(name, '{') >= 0, strings.IndexByte(name, '/') >= 0 && (user || long || !words.Mixed(text)), text[0] == '-':
		return n
	case (user || long) && (secret == "" && (!pair || !words.Opaque(text)) || strings.HasPrefix(secret, "/") || words.IsFile(secret)):
		return n
	}
	m.Hide(v.Start, v.End)
	return v.Next
}

// Slash masks the password of the option at i, as commands of Windows have it, behind one for a user: /u:bob /p:hunter2
func (m *Masker) Slash(i int) {
	if !view.IsSpace(m.At(i - 1)) {
		m.oracle(i)
		return
	}
	end := m.NameEndAt(i + 1)
	name, sep := strings.ToLower(m.Text[i:end]), m.At(end)
	if name != "/p" && name != "/rp" || sep != ':' && sep != ' ' {
		return
	}
	user := strings.Replace(name, "p", "u", 1) + string(sep)
	if strings.Contains(strings.ToLower(m.LineBefore(i, page.MaxLook)), user) {
		m.hideBare(end + 1)
	}
}

var oracle = words.Set("oracle command")

// oracle masks the password behind the slash at i, as commands of Oracle take it: impdp bob/hunter2
func (m *Masker) oracle(i int) {
	start := m.NameStartAt(i)
	if start == i || m.At(start-1) != ' ' || !oracle[words.LastWord(strings.TrimSpace(m.LineBefore(start, page.MaxScheme)))] {
		return
	}
	end := m.Bare(i+1, m.Depth(i), true)
	if at := strings.IndexByte(m.Text[i+1:max(i+1, end)], '@'); at >= 0 {
		end = i + 1 + at
	}
	if words.Mixed(m.Text[i+1 : max(i+1, end)]) {
		m.Hide(i+1, end)
	}
}

// argumentOf returns where the argument of an option begins, of which the dashes are at i and the name ends at end.
func (m *Masker) argumentOf(i, end int) int {
	if quote := m.At(i - 1); view.IsQuote(quote) && m.At(end) == quote {
		end++
	}
	if m.At(end) == '=' || m.At(end) == ',' {
		end++
	}
	if end = m.Spaces(end); strings.HasPrefix(m.Text[end:], "- ") { // of a list of YAML
		end = m.Spaces(end + 1)
	}
	return end
}
