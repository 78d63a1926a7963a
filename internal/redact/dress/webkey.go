// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

const maxWebKey = 4096 // bytes of a JSON web key before and behind what names its type

// webKey masks the secret members of the JSON web key, in whatever dress, of which s is the member kty.
func (m *Masker) webKey(s *subject) {
	if s.start < m.webKeyEnd {
		return
	}
	m.Keys++
	start, opened := m.OpenedAt(s.start, max(m.webKeyEnd, s.start-maxWebKey))
	end := min(len(m.Text), s.start+maxWebKey)
	if opened {
		if closing := m.Closing(start, end); closing > s.end {
			end = closing
		}
	}
	for i := start; i < end; i++ {
		next := min(m.NameEndAt(i), end)
		if !words.IsWebKeyMember(m.Text[i:next]) {
			i = next
			continue
		}
		key := m.subjectAt(i, next)
		key.strength = words.Sure
		i = next
		m.Names++
		l := m.linkOf(&key)
		if v, ok := m.valueAt(&key, l); ok && l.bond >= colon && (v.Quoted || v.Bracket || words.Mixed(m.Text[v.Start:v.End])) {
			m.Hide(v.Start, v.End)
			i = max(i, v.Next)
		}
	}
	m.webKeyEnd = end
}

// inDigest reports whether s is what a client answers to a challenge of HTTP, SIP, RTSP or SASL: a nonce stands beside it.
func (m *Masker) inDigest(s *subject) bool {
	line := m.Text[max(0, s.start-page.MaxLook):min(len(m.Text), s.end+page.MaxLook)]
	m.Cost += len(line)
	return strings.Contains(line, "nonce") && (strings.Contains(line, "realm") || strings.Contains(line, "username"))
}
