// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strconv"
	"strings"
)

// form is how the credentials of some service look: what they begin with, and how long they are at least.
type form struct {
	prefix string
	length int
	loose  bool // it may consist of letters only
}

// tokenForms are credentials that are recognised wherever they occur, by their first two bytes.
var tokenForms = func() (table [1 << 10][]form) {
	for _, f := range section("form") {
		prefix, length, _ := strings.Cut(f, "~")
		least, err := strconv.Atoi(length)
		if err != nil {
			least = max(16, len(prefix)+8)
		}
		loose := strings.HasSuffix(prefix, "*")
		prefix = strings.ReplaceAll(strings.TrimSuffix(prefix, "*"), `\x7e`, "~")
		i := pairOf(prefix[0], prefix[1])
		table[i] = append(table[i], form{prefix, least, loose})
	}
	return table
}()

// token returns where the credential ends that begins at i, and masks it. If there is none, it returns i.
func (m *masker) token(i int) int {
	t := m.text
	switch t[i] {
	case 'e':
		if m.at(i+1) == 'y' {
			if end := m.webToken(i); end > i {
				return end
			}
		}
	case 'd', 'D':
		if end := m.dataURL(i); end > i {
			return end
		}
	}
	known := tokenForms[pairOf(t[i], m.at(i+1))]
	for k := range known {
		f := &known[k]
		if !strings.HasPrefix(t[i:], f.prefix) {
			continue
		}
		end := m.tokenEnd(i + len(f.prefix))
		rest := t[i+len(f.prefix) : end]
		l := lookAt(rest)
		loose := f.loose && (l.digits > 0 || l.letters() >= 16 || caseTurns(rest) > 2)
		if end-i >= f.length && (loose || opaque(rest) && l.longest >= 12 || l.longest >= 20 && l.digits > 0 && l.letters() > 0) {
			m.mask(i, end)
			return end
		}
	}
	return m.madeToken(i)
}

// tokenEnd returns where a token ends that goes on at i.
func (m *masker) tokenEnd(i int) int {
	t, from := m.text, i
	for i < len(t) && (isAlnum(t[i]) || strings.IndexByte("_-.+/=~$,", t[i]) >= 0) && (t[i] != '/' && t[i] != ',' || i >= m.url.end) {
		i++
	}
	m.cost += i - from
	return from + len(trim(t[from:i], trailing+"-_"))
}

// madeToken looks at i for a token of some service that is not in the list, by how they are made: a short word, an
// underscore, and many letters and digits without any order.
func (m *masker) madeToken(i int) int {
	t := m.text
	end := i
	for end < len(t) && end-i <= 12 && isLetter(t[end]) {
		end++
	}
	if end == i || m.at(end) != '_' {
		return i
	}
	from := end + 1
	for _, kind := range []string{"live_", "test_", "prod_", "secret_", "key_", "pat_", "api_", "sk_"} {
		if strings.HasPrefix(t[from:], kind) {
			from += len(kind)
			break
		}
	}
	for end = from; end < len(t) && isAlnum(t[end]); end++ {
	}
	m.cost += end - i
	l := lookAt(t[from:end])
	if end-from >= 24 && l.lowers > 3 && l.uppers > 3 && l.digits > 1 && l.turns >= 3 && caseTurns(t[from:end]) >= 4 {
		m.mask(i, end)
		return end
	}
	return i
}

// infix looks for a credential around i, that has one of the infixes there, and returns where to go on.
func (m *masker) infix(i int) int {
	const shortest, longest = 30, 128
	t := m.text
	if t[i] == '~' && (i < 4 || t[i-1] != 'Q' || !isDigits(t[i-2:i-1])) {
		return i + 1
	}
	for _, s := range section("infix") {
		if !strings.HasPrefix(t[i:], s) {
			continue
		}
		isPart := func(c byte) bool { return isNameByte(c) || c == '~' || c == '=' }
		start, end := i, i
		for start > 0 && i-start < longest && isPart(t[start-1]) {
			start--
		}
		for end < len(t) && end-i < longest && isPart(t[end]) {
			end++
		}
		m.cost += end - start
		if end-start >= shortest {
			m.mask(start, end)
			return end
		}
	}
	return i + 1
}

// webToken looks at a JSON web token, whole or cut off: eyJ is {" in base64.
func (m *masker) webToken(i int) int {
	t := m.text
	end := i
	for end < len(t) && (isAlnum(t[end]) || strings.IndexByte("_-=.+", t[end]) >= 0 || t[end] == '/' && i >= m.url.end) {
		end++
	}
	m.cost += end - i
	end = i + len(strings.TrimRight(t[i:end], "./"))
	if end-i < 9 || !strings.HasPrefix(t[i:], "eyJ") && (end-i < 40 || !strings.Contains(t[i:end], ".ey")) {
		return i
	}
	m.mask(i, end)
	return end
}

// dataURL looks at a data: URL: what it carries is content, not an address.
func (m *masker) dataURL(i int) int {
	t := m.text
	const name = "data:"
	if len(t) < i+len(name) || !strings.EqualFold(t[i:i+len(name)], name) {
		return i
	}
	const longest = 128
	comma := i + len(name)
	for comma < len(t) && comma-i < longest && (isAlnum(t[comma]) || strings.IndexByte("/;=._+-", t[comma]) >= 0) {
		comma++
	}
	m.cost += comma - i
	head := t[i+len(name) : comma]
	kind, _, _ := strings.Cut(head, ";")
	if m.at(comma) != ',' || kind != "" && strings.Count(kind, "/") != 1 {
		return i
	}
	end := comma + 1
	for end < len(t) && !urlStops[t[end]] && t[end] != '\'' {
		end++
	}
	m.cost += end - comma
	m.mask(comma+1, end)
	return end
}

// privateKey looks at a private key that may begin with the dashes from i to n, and returns where to go on.
func (m *masker) privateKey(i, n int) int {
	t := m.text
	const longest = 100
	head := strings.TrimLeft(t[n:min(len(t), n+longest)], " ")
	if !strings.HasPrefix(head, "BEGIN ") {
		return n
	}
	head, _, _ = strings.Cut(head, "---")
	if !strings.Contains(head, "PRIVATE") {
		return n
	}
	// One that is cut off is masked to the end.
	end := len(t)
	if from := strings.Index(t[n:], "-END "); from >= 0 {
		from += n + len("-END ")
		end = from
		for end < len(t) && t[end] != '-' && t[end] != '\n' {
			end++
		}
		for end < len(t) && t[end] == '-' {
			end++
		}
	}
	m.cost += end - i
	m.mask(i, end)
	return end
}
