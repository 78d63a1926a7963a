// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"
	"unicode/utf8"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// Masker masks what stands beside a name.
type Masker struct {
	*page.Page
	nameEnd   int // up to where names were looked for already
	webKeyEnd int // of the JSON web key that was met last
	// Nothing is called value behind the name that was met last, and before it.
	ahead, behind stretch
}

// stretch is a part of the text.
type stretch struct{ start, end int }

// subject is a name that means a credential, and what is around it.
type subject struct {
	start, end int // without what belongs to its dress
	word       string
	strength   words.Strength
	flag       bool // an option of a command
	quote      byte // what it is in, as a whole
}

// subjectAt returns what is from start to end as a name.
func (m *Masker) subjectAt(start, end int) subject {
	s := subject{start: start, end: end, word: m.Text[start:end]}
	if q := m.At(start - 1); view.IsQuote(q) && m.At(end) == q && m.Depth(end) <= m.Depth(start-1) {
		s.quote = q
	}
	return s
}

// hideIf masks v if it is the credential that s means, and returns where to go on; 0 if it is none.
func (m *Masker) hideIf(s *subject, v page.Value) int {
	if v.Start >= v.End || !m.wants(s, link{bond: assigned}, &v) {
		return 0
	}
	m.Hide(v.Start, v.End)
	return v.Next
}

// NameBegins reports whether a name may be at i, and was not looked at, that means a credential.
func (m *Masker) NameBegins(i int) bool {
	return i >= m.nameEnd && words.NameBegins(m.Text[i:])
}

// Name looks at the name that has a fragment of one at i, and returns where to go on.
func (m *Masker) Name(i int) int {
	t := m.Text
	start, end := max(m.NameStartAt(i), m.nameEnd), m.NameEndAt(i)
	if next := m.glued(start, i, end); next > 0 {
		m.nameEnd = next
		return next
	}
	m.nameEnd = end
	s := m.subjectAt(start, start+len(page.Trim(t[start:end], ".-_")))
	for s.start < s.end && strings.IndexByte("-_.", t[s.start]) >= 0 {
		s.flag = s.flag || t[s.start] == '-'
		s.start++
	}
	s.word = t[s.start:s.end]
	file := words.IsFile(s.word) && !s.flag && strings.Count(s.word, ".") < 3 && m.At(m.Spaces(end)) != '='
	if s.word == "" || file || strings.HasPrefix(s.word, "EXT-X-") { // the latter is a tag of HLS
		return i + 1
	}
	if s.word == "kty" {
		m.webKey(&s)
		return i + 1
	}
	s.strength = words.StrengthOf(s.word)
	m.widen(&s)
	if n := words.Qualifier(s.word, t[s.end:min(len(t), s.end+maxAside)]); n > 0 {
		s = m.subjectAt(s.start, s.end+n)
		s.strength = words.Sure
	}
	if s.strength == words.Open {
		return i + 1
	}
	s.strength = max(s.strength, m.StrengthWithin(s.start, s.end))
	if m.Keys++; s.strength > words.Unsure {
		m.Names++
	}
	next := m.masked(&s)
	m.nameEnd = max(m.nameEnd, next)
	return max(i+1, next)
}

// glued masks what stands right behind a name in a script without spaces, of what is from start to end: 密码是hunter2. It returns where to go
// on, 0 if nothing does.
func (m *Masker) glued(start, i, end int) int {
	const wide = 0xe3 // the first byte of most such characters
	for i < end && m.Text[i] < wide {
		i++
	}
	for i < end && m.Text[i] >= utf8.RuneSelf {
		i++
	}
	to := i
	for to < len(m.Text) && m.Text[to] > ' ' && m.Text[to] < utf8.RuneSelf && strings.IndexByte("\"'`,;:=)]}<>", m.Text[to]) < 0 {
		to++
	}
	if m.Cost += to - min(i, end); i == end || !words.Mixed(m.Text[i:to]) || words.StrengthOf(m.Text[start:i]) != words.Sure {
		return 0
	}
	m.Hide(i, to)
	return to
}

// masked masks what belongs to s, and returns where to go on; 0 if nothing does, or it is before s or in another line. The rules are not
// in a slice: then each name would be allocated.
func (m *Masker) masked(s *subject) int {
	if next := m.record(s); next > 0 {
		return next
	}
	m.table(s) // of which the first row may look like the value of the last column
	if next := m.valueOf(s); next > 0 {
		return max(next, m.compared(s, next))
	}
	if next := m.rejected(s); next > 0 {
		return next
	}
	m.valueBefore(s)
	return 0
}

// widen looks at the word before a name that alone doesn't say much: an API key, a pass phrase.
func (m *Masker) widen(s *subject) {
	low := strings.ToLower(s.word)
	switch low {
	case "response":
		if m.inDigest(s) {
			s.strength = words.Sure
		}
		return
	case "phrase", "code", "codes", "string", "word", "secret", "passe", "grant", "khẩu", "sandi", "المرور", "السر":
	default:
		if words.Roles(low)&words.IsKey == 0 {
			return
		}
	}
	start := s.start - 1
	if strings.HasSuffix(m.Text[:s.start], "did:") { // an identifier: did:key:z6Mk
		s.strength = words.Open
	}
	if c := m.At(start); c != ' ' && c != '\t' {
		return
	}
	start = m.NameStartAt(start)
	before := strings.ToLower(m.Text[start : s.start-1])
	if before != "" && before[0] == '-' { // --password string
		return
	}
	if low == "key" && words.Roles(before)&(words.IsAsking|words.IsSecretKey) == words.IsAsking { // no kind of key, but a remark about one
		return
	}
	if owner := strings.TrimSpace(m.Text[max(0, start-maxAside):start]); words.Roles(before)&words.IsOf != 0 && owner != "" {
		before = words.LastWord(owner[strings.LastIndexAny(owner, " \t\r\n")+1:]) // no object with key
	}
	switch {
	case words.Roles(before)&words.IsOpenKey != 0 && words.Roles(low)&words.IsKey != 0:
		s.strength = words.Open
	case low == "passe":
		if before == "de" { // mot de passe
			s.strength = words.Sure
		}
	case low != "secret" || words.Roles(before)&words.IsSecretKey != 0:
		s.start = start
		s.word = m.Text[start:s.end]
		s.strength = words.StrengthOf(s.word)
	}
}
