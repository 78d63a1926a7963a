// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/commands"
	"github.com/livepeer/livepeer-task-operator/internal/redact/dress"
	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/tokens"
	"github.com/livepeer/livepeer-task-operator/internal/redact/urls"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

// masker goes through one page and lets each kind of rule look where it may apply.
type masker struct {
	*page.Page
	tokens   tokens.Masker
	urls     urls.Masker
	dress    dress.Masker
	commands commands.Masker

	inner      bool // the text was within another one, in base64
	encodedEnd int  // up to where such a text was looked for
}

func newMasker(p *page.Page) masker {
	return masker{
		Page: p, tokens: tokens.Masker{Page: p}, urls: urls.Masker{Page: p},
		dress: dress.Masker{Page: p}, commands: commands.Masker{Page: p},
	}
}

// scan goes through the text from left to right.
func (m *masker) scan() {
	for i := 0; i < len(m.Text) && !m.Full(); {
		c := m.Text[i]
		next := i + 1
		switch {
		case c >= 0x80 && c < 0xc0: // within a character
		case view.Lower(c) != 0 || c >= 0x80:
			if i == 0 || view.Lower(m.Text[i-1]) == 0 {
				if next = max(next, m.tokens.Token(i), m.commands.Command(i)); next == i+1 {
					next = max(next, m.encoded(i))
				}
			}
			if next == i+1 && m.dress.NameBegins(i) {
				next = max(next, m.dress.Name(i))
			}
		case c == ':':
			if strings.HasPrefix(m.Text[i:], "://") {
				next = m.urls.Authority(i)
			} else {
				next = m.commands.Fields(i)
			}
		case c == '@':
			next = max(next, m.urls.UserInfo(i))
		case c == '?' || c == '&' || c == '#' && i < m.URL.End:
			m.urls.Param(i)
		case c == '|':
			m.commands.Pipe(i)
		case c == '*':
			m.commands.Star(i)
		case c == '%':
			m.commands.Percent(i)
		case c == '<':
			m.commands.HereString(i)
		case c == '/':
			m.urls.Path(i)
			m.commands.Slash(i)
		case c == '-':
			next = max(next, m.dashes(i))
		case c == '~' || c == '.' || c == '_':
			next = m.tokens.Infix(i)
		case c == '$' || c == '{':
			next = max(next, m.tokens.Token(i))
		}
		i = next
	}
}

// dashes looks at what begins with a dash: a private key, or an option of a command. It returns where to go on.
func (m *masker) dashes(i int) int {
	if m.At(i-1) == '-' {
		return i + 1
	}
	n := i
	for m.At(n) == '-' {
		n++
	}
	if n-i < 4 {
		return m.commands.Option(i, n)
	}
	return m.tokens.PrivateKey(i, n)
}
