// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// piped has the option of each command that reads a password from a pipe.
var piped = words.Table("piped")

// Pipe masks what is written into the pipe at i if what reads there wants a password: echo hunter2 | sudo -S ls
func (m *Masker) Pipe(i int) {
	t := m.Text
	from := m.Blanks(i + 1)
	end := m.NameEndAt(from)
	option, found := piped[t[from:end]]
	if !found {
		return
	}
	rest, _, _ := strings.Cut(t[end:min(len(t), end+page.MaxLook)], "\n")
	start := i
	for start > 0 && i-start < page.MaxLook {
		ofFormat := m.IsEscaped(start-1) && view.IsQuote(t[start]) // '%s\n'
		if t[start-1] == '\n' && !ofFormat || strings.IndexByte(";&|", t[start-1]) >= 0 && view.IsSpace(t[start]) {
			break
		}
		start--
	}
	m.Cost += len(rest) + i - start
	m.Keys++
	if !hasOption(rest, option) {
		return
	}
	if literal := m.Blanks(start); view.IsQuote(m.At(literal)) { // of PowerShell
		if v := m.Quoted(literal); m.Blanks(v.Next) == i {
			m.Hide(v.Start, v.End)
		}
	}
	m.written(start, i)
}

// written masks what the command from one place to another writes.
func (m *Masker) written(from, to int) {
	for _, writes := range []string{"echo ", "printf ", "Write-Output ", "<<<"} {
		at := strings.LastIndex(m.Text[from:to], writes)
		if at < 0 {
			continue
		}
		start := m.Blanks(from + at + len(writes))
		for m.At(start) == '-' { // options
			start = m.Blanks(m.NameEndAt(start))
		}
		text := strings.TrimRight(m.Text[start:max(start, to)], " ")
		if last := strings.TrimLeft(text[strings.LastIndexByte(text, ' ')+1:], `"`); !strings.HasPrefix(last, "$") {
			m.Hide(start, start+len(text))
		}
	}
}

// hasOption reports whether among the arguments is an option: -S, also as one of several in -kS, and as --stdin.
func hasOption(args, option string) bool {
	if option != "-S" {
		return strings.Contains(args, option)
	}
	for arg := range strings.FieldsSeq(args) {
		if arg == "--stdin" || strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.Contains(arg, "S") {
			return true
		}
	}
	return false
}

// reader is a command that may read a password from what it is given.
type reader struct {
	end    int // of its name
	option string
}

// HereString masks what is given to such a command at i: sudo -S ls <<< hunter2
func (m *Masker) HereString(i int) {
	if m.At(i+1) == '(' {
		m.substituted(i)
	}
	r := m.reader
	if m.At(i+1) != '<' || r.end == 0 {
		return
	}
	m.reader = reader{}
	if i-r.end > page.MaxLook {
		return
	}
	m.Cost += i - r.end
	before := m.Text[r.end:i]
	if strings.IndexByte(before, '\n') >= 0 || !hasOption(before, r.option) {
		return
	}
	m.Keys++
	v := page.Value{}
	if n, _ := m.Opening(i); n > 0 {
		v = m.Quoted(i)
	} else if v.Start = m.Blanks(i + len("<<<")); strings.HasPrefix(m.Text[i:], "<<<") {
		v.End = m.Bare(v.Start, m.Depth(i), true)
	}
	if m.At(v.Start) != '$' {
		m.Hide(v.Start, v.End)
	}
}

// substituted masks what is written in place of a file with a password, at i: --password-file <(echo hunter2)
func (m *Masker) substituted(i int) {
	before := strings.TrimRight(m.LineBefore(i, page.MaxScheme), " =")
	if end := m.Closing(i+1, i+page.MaxLook); end > 0 && strings.HasPrefix(before[strings.LastIndexByte(before, ' ')+1:], "-") {
		m.Keys++
		m.written(i, end)
	}
}
