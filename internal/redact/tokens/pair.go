// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// KeyPairs masks the secret keys of Amazon's that stand behind their IDs without a name, however those are masked: AKID secret,
// "AKID","secret".
func (m *Masker) KeyPairs() {
	const id = 20
	for _, kind := range [...]string{"AKIA", "ASIA"} {
		for i := 0; !m.Full(); i += len(kind) {
			at := strings.Index(m.Text[i:], kind)
			if at < 0 {
				break
			}
			i += at
			if end := i + id; end < len(m.Text) && !view.IsAlnum(m.Text[end]) && words.LookAt(m.Text[i:end]).Longest == id {
				m.secretKey(end)
			}
		}
	}
}

// secretKey masks the secret key that stands behind the ID that ends at i.
func (m *Masker) secretKey(i int) {
	const length, most = 40, 6 // most bytes between the two
	start := i
	for start-i < most && (view.IsSpace(m.At(start)) || strings.IndexByte("\"',:;|", m.At(start)) >= 0 ||
		m.At(start) == '/' && m.At(start+1) == ' ') {
		start++
	}
	end := start
	for end < len(m.Text) && end-start <= length+1 && (view.IsAlnum(m.Text[end]) || m.Text[end] == '+' || m.Text[end] == '/') {
		end++
	}
	m.Cost += end - i
	if end-start == length+1 && m.Text[start] == '/' { // AKID/secret
		start++
	}
	l := words.LookAt(m.Text[start:end])
	if start > i && end-start == length && l.Uppers > 0 && l.Lowers > 0 {
		m.Hide(start, end)
	}
}
