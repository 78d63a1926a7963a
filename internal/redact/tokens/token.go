// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"strconv"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// Masker masks what is a credential by itself.
type Masker struct{ *page.Page }

// form is how the credentials of some service look: what they begin with, and how long they are at least.
type form struct {
	prefix string
	length int
	loose  bool // it may consist of letters only
}

// tokenForms are credentials that are recognised wherever they occur, by their first two bytes.
var tokenForms = func() (table [1 << 10][]form) {
	for _, f := range words.List("form") {
		prefix, length, _ := strings.Cut(f, "~")
		least, err := strconv.Atoi(length)
		if err != nil {
			least = max(16, len(prefix)+8)
		}
		loose := strings.HasSuffix(prefix, "*")
		prefix = strings.ReplaceAll(strings.TrimSuffix(prefix, "*"), `\x7e`, "~")
		i := view.PairOf(prefix[0], prefix[1])
		table[i] = append(table[i], form{prefix, least, loose})
	}
	return table
}()

// Token returns where the credential ends that begins at i, and masks it. If there is none, it returns i.
func (m *Masker) Token(i int) int {
	t := m.Text
	switch t[i] {
	case 'e':
		if m.At(i+1) == 'y' {
			if end := m.webToken(i); end > i {
				return end
			}
		}
	case 'P':
		if end := m.puttyKey(i); end > i {
			return end
		}
	case 'd', 'D':
		if end := m.dataURL(i); end > i {
			return end
		}
	}
	if end := m.botToken(i); end > i {
		return end
	}
	known := tokenForms[view.PairOf(t[i], m.At(i+1))]
	for k := range known {
		f := &known[k]
		if !strings.HasPrefix(t[i:], f.prefix) {
			continue
		}
		end := m.tokenEnd(i + len(f.prefix))
		rest := t[i+len(f.prefix) : end]
		l := words.LookAt(rest)
		loose := f.loose && (l.Digits > 0 || l.Letters() >= 16 || words.CaseTurns(rest) > 2)
		if end-i >= f.length && (loose || words.Opaque(rest) && l.Longest >= 12 || l.Longest >= 20 && l.Digits > 0 && l.Letters() > 0) {
			if end := m.idEnd(i); end > i {
				return end
			}
			end = m.Wrapped(i, end)
			m.Hide(i, end)
			return end
		}
	}
	return m.madeToken(i)
}

// idEnd returns where the ID or hash ends that begins at i, or the UUID of which a group does; i if there is none. Of so many, some begin
// like a credential: one UUID in 3,000 has a group 4b1d.
func (m *Masker) idEnd(i int) int {
	const length, shortest = 36, 16
	for _, group := range [...]int{0, 9, 14, 19, 24} {
		start, end := i-group, i-group+length
		if start >= 0 && end <= len(m.Text) && !view.IsAlnum(m.At(start-1)) && !view.IsAlnum(m.At(end)) &&
			strings.Count(m.Text[start:end], "-") == 4 && words.IsID(m.Text[start:end]) {
			return end
		}
	}
	end := i
	for end < len(m.Text) && view.IsAlnum(m.Text[end]) {
		end++
	}
	m.Cost += end - i
	if end-i >= shortest && words.IsID(m.Text[i:end]) {
		return end
	}
	return i
}

// tokenEnd returns where a token ends that goes on at i.
func (m *Masker) tokenEnd(i int) int {
	t, from := m.Text, i
	for i < len(t) && (view.IsAlnum(t[i]) || strings.IndexByte("_-.+/=~$,", t[i]) >= 0) && (t[i] != '/' && t[i] != ',' || i >= m.URL.End) {
		i++
	}
	m.Cost += i - from
	return from + len(page.Trim(t[from:i], page.Trailing+"-_"))
}

// idPrefixes begin the IDs of what they say: user_2NNEqL2nrIRdJ194ndJqAHwEfxC
var idPrefixes = words.Set("id prefix")

// madeToken looks at i for a token of some service that is not in the list, by how they are made: short words,
// underscores, and many letters and digits without any order.
func (m *Masker) madeToken(i int) int {
	const prefixes = 24
	end := i
	for end < len(m.Text) && (view.IsAlnum(m.Text[end]) || m.Text[end] == '_') {
		end++
	}
	m.Cost += end - i
	prefix := strings.LastIndexByte(m.Text[i:end], '_') + 1
	if prefix == 0 || prefix > prefixes || m.At(i-1) == '~' || idPrefixes[m.Text[i:i+prefix-1]] { // the one before is an ID of Ceph
		return i
	}
	made := m.Text[i+prefix : end]
	l := words.LookAt(made)
	if len(made) >= 24 && l.Lowers > 3 && l.Uppers > 3 && l.Digits > 1 && l.Turns >= 3 && words.CaseTurns(made) >= 4 {
		m.Hide(i, end)
		return end
	}
	return i
}

// Infix looks for a credential around i, that has one of the infixes there, and returns where to go on.
func (m *Masker) Infix(i int) int {
	const shortest, longest = 30, 128
	t := m.Text
	if t[i] == '~' && (i < 4 || t[i-1] != 'Q' || !view.IsDigits(t[i-2:i-1])) {
		return i + 1
	}
	for _, s := range words.List("infix") {
		if !strings.HasPrefix(t[i:], s) {
			continue
		}
		isPart := func(c byte) bool { return view.IsNameByte(c) || c == '~' || c == '=' }
		start, end := i, i
		for start > 0 && i-start < longest && isPart(t[start-1]) {
			start--
		}
		for end < len(t) && end-i < longest && isPart(t[end]) {
			end++
		}
		m.Cost += end - start
		if end-start >= shortest {
			m.Hide(start, end)
			return end
		}
	}
	return i + 1
}

// webToken looks at a JSON web token, whole or cut off: eyJ is {" in base64.
func (m *Masker) webToken(i int) int {
	t := m.Text
	end := i
	for end < len(t) && (view.IsAlnum(t[end]) || strings.IndexByte("_-=.+", t[end]) >= 0 || t[end] == '/' && i >= m.URL.End) {
		end++
	}
	m.Cost += end - i
	end = i + len(strings.TrimRight(t[i:end], "./"))
	m.Keys++
	if words.IsCursor(t[i:end]) {
		return end
	}
	if end-i < 9 || !strings.HasPrefix(t[i:], "eyJ") && (end-i < 40 || !strings.Contains(t[i:end], ".ey")) {
		return i
	}
	end = m.Wrapped(i, end)
	m.Hide(i, end)
	return end
}

// dataURL looks at a data: URL: what it carries is content, not an address.
func (m *Masker) dataURL(i int) int {
	t := m.Text
	const name, longest = "data:", 128
	if !view.HasFold(t[i:], name) {
		return i
	}
	comma := i + len(name)
	for comma < len(t) && comma-i < longest && (view.IsAlnum(t[comma]) || strings.IndexByte("/;=._+-", t[comma]) >= 0) {
		comma++
	}
	m.Cost += comma - i
	head := t[i+len(name) : comma]
	kind, _, _ := strings.Cut(head, ";")
	if m.At(comma) != ',' || kind != "" && strings.Count(kind, "/") != 1 {
		return i
	}
	end := comma + 1
	for end < len(t) && !page.URLStops[t[end]] && t[end] != '\'' {
		end++
	}
	m.Cost += end - comma
	m.Hide(comma+1, end)
	return end
}

// puttyKey looks at a private key as PuTTY keeps it. One that is cut off is masked to the end.
func (m *Masker) puttyKey(i int) int {
	const head, private, last = "PuTTY-User-Key-File-", "Private-Lines:", "Private-MAC:"
	t := m.Text
	if !strings.HasPrefix(t[i:], head) {
		return i
	}
	start := m.Closed(i, private, view.Escaped)
	if start == len(t) {
		return i
	}
	end := m.Closed(start, last, view.Escaped)
	end = min(len(t), m.NameEndAt(m.Spaces(end+len(last))))
	m.Hide(start+len(private), end)
	return end
}

// PrivateKey looks at a private key that may begin with the dashes from i to n, and returns where to go on.
func (m *Masker) PrivateKey(i, n int) int {
	t := m.Text
	const longest = 100
	head := strings.TrimLeft(t[n:min(len(t), n+longest)], " ")
	if !strings.HasPrefix(head, "BEGIN ") {
		return n
	}
	head, _, _ = strings.Cut(head, "---")
	if !strings.Contains(head, "PRIVATE") {
		return n
	}
	end := m.Closed(n, "-END ", view.Escaped) // one that is cut off is masked to the end
	for end++; end < len(t) && t[end] != '-' && t[end] != '\n'; end++ {
	}
	for m.At(end) == '-' {
		end++
	}
	end = min(end, len(t))
	m.Hide(i, end)
	return end
}
