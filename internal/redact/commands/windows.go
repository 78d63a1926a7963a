// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// Slash masks the password of the option at i, as commands of Windows have it, behind one for a user: /u:bob /p:hunter2
func (m *Masker) Slash(i int) {
	if c := m.At(i+1) | 0x20; c != 'p' && c != 'r' {
		return
	}
	end := m.NameEndAt(i + 1)
	name, sep := strings.ToLower(m.Text[i+1:end]), m.At(end)
	if name != "p" && name != "rp" || sep != ':' && sep != ' ' || !view.IsSpace(m.At(i-1)) {
		return
	}
	before := strings.ToLower(m.Text[max(0, i-page.MaxLook):i])
	m.Cost += len(before)
	before = before[strings.LastIndexByte(before, '\n')+1:]
	if strings.Contains(before, " /u"+string(sep)) || strings.Contains(before, " /ru"+string(sep)) {
		m.hideBare(end + 1)
	}
}

// netUse masks the password of a network drive: net use Z: \\host\share hunter2 /user:bob, of which s is the first word. It returns
// where to go on, 0 if there is none.
func (m *Masker) netUse(s word) int {
	const most = 8
	use := m.blanks(s.end)
	if !strings.EqualFold(s.text, "net") || !view.HasFold(m.Text[use:], "use ") {
		return 0
	}
	m.Keys++
	rest, _, _ := strings.Cut(strings.ToLower(m.Text[use:min(len(m.Text), use+page.MaxLook)]), "\n/")
	m.Cost += len(rest)
	named, shared := strings.Contains(rest, " /u:") || strings.Contains(rest, " /user:"), false
	i := use + len("use")
	for range most {
		from := m.blanks(i)
		if from == i || m.isAtLineEnd(from) {
			return 0
		}
		i = m.shareEnd(from, shared)
		switch text := m.Text[from:i]; {
		case text == "":
			return 0
		case text[0] == '/', text == "*", strings.HasSuffix(text, ":") && len(text) < 3: // an option, a drive
		case !shared:
			if shared = m.IsEscaped(from) || text[0] == '\\' || view.IsQuote(text[0]); !shared {
				return 0
			}
		case strings.HasPrefix(text, page.Mask), words.IsProse(text), !named && !words.Mixed(text):
			return 0
		default:
			v, _ := m.Word(from, true)
			v = m.single(from, v)
			if text = strings.TrimSpace(m.Text[v.Start:v.End]); text == "" || strings.HasPrefix(text, page.Mask) {
				return 0
			}
			m.Hide(v.Start, v.End)
			return v.Next
		}
	}
	return 0
}

// shareEnd returns where the argument at i ends. Before the share is known, what looks like the end of a line may be a part of its name:
// \\nas\new.
func (m *Masker) shareEnd(i int, shared bool) int {
	if view.IsQuote(m.At(i)) {
		return m.single(i, page.Value{}).Next
	}
	for ; i < len(m.Text) && m.Text[i] != ' ' && !view.IsQuote(m.Text[i]); i++ {
		if m.Text[i] == '\n' && (shared || m.Depth(i) == 0) {
			break
		}
	}
	return i
}
