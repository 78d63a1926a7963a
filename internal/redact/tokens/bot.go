// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"encoding/base64"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// botToken looks at what begins with the number of an account instead of a prefix: tokens of Discord's and Telegram's bots, and what
// stands behind the account of Twilio's. It returns where that ends, i if there is none.
func (m *Masker) botToken(i int) int {
	if strings.IndexByte("0123456789MNOAS", m.Text[i]) < 0 { // M, N and O are digits in base64
		return i
	}
	first := m.part(i)
	switch next := i + len(first) + 1; m.At(next - 1) {
	case '.':
		second := next + len(m.part(next))
		if number, err := base64.RawStdEncoding.DecodeString(first); err != nil || !view.IsDigits(string(number)) || m.At(second) != '.' {
			return i
		}
		if third := m.part(second + 1); len(third) >= 27 {
			m.Hide(i, second+1+len(third))
			return second + 1 + len(third)
		}
	case ':':
		second := m.part(next)
		if view.IsDigits(first) && len(second) == 35 && second[0] == 'A' && words.Opaque(second) {
			m.Hide(i, next+len(second))
			return next + len(second)
		}
		if account := len(first) == 34 && (first[:2] == "AC" || first[:2] == "SK") && words.IsID(first[2:]); account && len(second) == 32 {
			m.Hide(next, next+len(second))
			return next + len(second)
		}
	}
	return i
}

// part returns the letters, digits, dashes and underscores at i; "" if there are none, or more than any part of a token has.
func (m *Masker) part(i int) string {
	const longest = 48
	end := i
	for end < len(m.Text) && end-i <= longest && (view.IsAlnum(m.Text[end]) || strings.IndexByte("-_", m.Text[end]) >= 0) {
		end++
	}
	m.Cost += end - i
	if end-i > longest {
		return ""
	}
	return m.Text[min(i, end):end]
}
