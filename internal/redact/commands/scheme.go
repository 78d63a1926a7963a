// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// schemes are those of HTTP authentication.
var schemes = words.Set("scheme")

// scheme masks what follows the name of a scheme of HTTP authentication, and returns where to go on, 0 if nothing does.
func (m *Masker) scheme(s word) int {
	const most = 16 // white space and signs
	t := m.Text
	bearer := strings.EqualFold(s.text, "bearer")
	if !schemes[strings.ToLower(s.text)] {
		return 0
	}
	i := s.end
	for range 2 {
		from := i
		for i < len(t) && i-from < most && (view.IsSpace(t[i]) || strings.IndexByte("+:=\"',", t[i]) >= 0) {
			i++
		}
		if i == from || !view.HasFold(t[i:], "token ") && !view.HasFold(t[i:], "token:") && !view.HasFold(t[i:], "token=") {
			break
		}
		i += len("token")
	}
	end := i
	for end < len(t) && (view.IsNameByte(t[end]) || strings.IndexByte("~+/=|:%!$*", t[end]) >= 0) {
		end++
	}
	m.Cost += end - s.end
	text := strings.TrimRight(t[i:end], ".:!|")
	switch first := strings.ToLower(text); {
	case strings.HasSuffix(text, "=") && view.IsQuote(m.At(i+len(text))): // of a challenge: Bearer realm="api"
		return 0
	case text == "", i == s.end, words.IsNothing(text), text[0] == '-' && view.IsLetter(m.At(i+1)) && len(text) == 2,
		strings.HasPrefix(text, "--"): // an option
		return 0
	case bearer && !view.IsQuote(t[i-1]) && (words.Roles(first) != 0 || words.IsProse(first)):
		return 0
	case (strings.IndexByte(t[s.end:i], ',') >= 0 || t[i-1] == '\n') && (!words.Mixed(text) || words.IsPairLike(text)), // of several
		!bearer && (len(text) < 8 || !isBasic(text) && (len(text) < 16 || !words.Opaque(text))):
		return 0
	}
	end = m.Wrapped(i, i+len(text))
	m.Hide(i, end)
	return end
}

// isBasic reports whether s is a user name and a password in base64.
func isBasic(s string) bool {
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return err == nil && slices.Contains(plain, ':')
}
