// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// opening returns the length of what opens a value at i, and what closes it: quotes of all kinds, CDATA, the dollars of
// PostgreSQL, the brackets of Lua, a here document. 0 if a value begins without.
func (m *masker) opening(i int) (n int, closing string) {
	t := m.text[min(i, len(m.text)):]
	c := m.at(i)
	switch {
	case isQuote(c) && m.at(i+1) == c && m.at(i+2) == c:
		return 3, t[:3]
	case isQuote(c):
		return 1, t[:1]
	case strings.HasPrefix(t, "<![CDATA["):
		return len("<![CDATA["), "]]>"
	case strings.HasPrefix(t, "[["):
		return 2, "]]"
	case c == '$':
		for n = 1; n < len(t) && n < 16 && (isAlnum(t[n]) || t[n] == '_'); n++ {
		}
		if n < len(t) && t[n] == '$' && strings.Contains(t[n+1:min(len(t), n+maxElement)], t[:n+1]) {
			return n + 1, t[:n+1]
		}
	case strings.HasPrefix(t, "<<"):
		for n = 2; n < len(t) && strings.IndexByte("<-~'\" ", t[n]) >= 0; n++ {
		}
		if isQuote(t[n-1]) && (t[2] == '<' || n == 3) && !strings.HasPrefix(t, "<<'") || n == len(t) { // <<< "hunter2", <<"hunter2">>
			return n, t[n-1 : n]
		}
		end := n
		for end < len(t) && (isAlnum(t[end]) || t[end] == '_') {
			end++
		}
		if line := strings.IndexByte(t[end:], '\n'); end > n && line >= 0 && line < 8 {
			return end + line, t[n:end]
		}
	}
	return 0, ""
}

// quoted reads the value that is opened at i, and what is glued to it. One that is cut off reaches to the end of the text.
func (m *masker) quoted(i int) value {
	t := m.text
	v := value{start: i, quoted: true}
	for first := true; first || v.next-v.start < maxElement; first = false { // 'it'"'"'s', "a" + "b", 'it''s'
		n, closing := m.opening(i)
		v.end = m.closed(i+n, closing, m.depth(i))
		v.next = min(len(t), v.end+len(closing))
		if first {
			v.start = i + n
		}
		j := v.next
		if k := m.spaces(j); strings.IndexByte("+&", m.at(k)) >= 0 && k < len(t) || m.at(k) == '.' && k > j {
			if k = m.spaces(k + 1); isQuote(m.at(k)) {
				j = k
			}
		} else if k > j && m.at(k) == '"' && m.operator(m.spaces(m.closed(k+1, `"`, m.depth(k))+1)) == "" { // "a" "b"
			j = k
		}
		switch {
		case n == 1 && isQuote(m.at(j)) && m.depth(j) == m.depth(i) && v.end < len(t):
			i = j
			continue
		case n == 1 && isAlnum(m.at(j)):
			v.end = m.bare(j, m.depth(i), false)
			v.next = v.end
		}
		break
	}
	for n := v.end; n > v.start && len(t) > n && t[n-1] == '\n'; n-- { // a here document
		v.end = n - 1
	}
	return v
}

// closed returns where closing is from i on, decoded to no more than depth; the end of the text if it is nowhere.
func (m *masker) closed(i int, closing string, depth uint8) int {
	from := i
	for i = min(i, len(m.text)); i < len(m.text); i++ {
		if m.text[i] == closing[0] && m.depth(i) <= depth && strings.HasPrefix(m.text[i:], closing) {
			break
		}
	}
	m.cost += i - from
	return i
}

// closing returns where the bracket at i is closed; -1 if it isn't, before limit.
func (m *masker) closing(i, limit int) int {
	limit = min(limit, len(m.text))
	open := 0
	for j := i; j < limit; j++ {
		m.cost++
		switch m.text[j] {
		case '[', '{', '(':
			open++
		case ']', '}', ')':
			if open--; open <= 0 {
				return j
			}
		case '"':
			j = m.closed(j+1, `"`, m.depth(j))
		case '\'':
			if end := m.closed(j+1, "'", m.depth(j)); strings.IndexByte("=(,: [{", m.at(j-1)) >= 0 && end < limit {
				j = end
			}
		}
		if open == 0 {
			break
		}
	}
	return -1
}

var valuePunct = setOf("\"'`<>&,;|)]}/?#")

// bare returns where the value without quotes ends that begins at i, and was decoded to depth. loose: it may be a word of a
// sentence.
func (m *masker) bare(i int, depth uint8, loose bool) int {
	t, from := m.text, i
	inURL, inPath := i < m.url.end, i < m.url.query && i < m.url.end
	for ; i < len(t) && !m.full(); i++ {
		c := t[i]
		if isSpace(c) && (m.depth(i) <= depth || m.isEscaped(i) && (loose || m.pairFollows(i+1))) ||
			valuePunct[c] && m.bareEnds(i, depth, inURL, inPath) {
			break
		}
		if (c == '(' || c == '[' || c == '{') && i > from {
			if end := m.closing(i, i+maxLook); end > 0 && strings.IndexByte(t[i:end], '\n') < 0 {
				i = end
			}
		}
	}
	m.cost += i - from
	return from + len(strings.TrimRight(t[from:i], ".,:;"))
}

// bareEnds reports whether the punctuation at i ends a value rather than being a part of it.
func (m *masker) bareEnds(i int, depth uint8, inURL, inPath bool) bool {
	next := m.at(i + 1)
	last := next == 0 || isSpace(next)
	switch m.text[i] {
	case '<':
		return next == '/' || next == '!' || hasFold(m.text[i:], "<br")
	case '>':
		return last || next == '<'
	case '&':
		return inURL && m.depth(i) <= depth || i <= m.queryEnd || m.pairFollows(i+1)
	case ',', ';', '|':
		return last || inPath || m.pairFollows(i+1)
	case '/', '?':
		return inPath
	case '#':
		return inURL
	}
	return !isAlnum(next)
}

// pairFollows reports whether a name with a value begins at i.
func (m *masker) pairFollows(i int) bool {
	for isSpace(m.at(i)) || isQuote(m.at(i)) {
		i++
	}
	end := m.nameEndAt(i)
	named := end > i
	for m.at(end) == ' ' || isQuote(m.at(end)) {
		end++
	}
	return named && (m.at(end) == '=' || m.at(end) == ':' && m.at(end-1) != ' ')
}

// restOfLine returns where the value of a header ends that begins at i: where the line does, or the quotes around it. Behind
// the name of a scheme is one word.
func (m *masker) restOfLine(s *subject, i int) int {
	t := m.text
	for _, scheme := range []string{"bearer", "basic", "negotiate", "token", "ntlm", "apikey"} {
		if hasFold(t[i:], scheme) && m.at(i+len(scheme)) == ' ' {
			from := m.spaces(i + len(scheme))
			if end := m.bare(from, m.depth(i), false); end > from {
				return end
			}
		}
	}
	around := m.at(s.start - 1)
	if around != '"' && around != '`' || s.quote != 0 {
		around = '\''
	}
	end := i
	for end < len(t) && t[end] != '\n' && t[end] != '\r' && (t[end] != around || m.depth(end) > m.depth(s.start-1)) {
		end++
	}
	m.cost += end - i
	return i + len(trim(t[i:end], trailing+" \t"))
}

// block reads a block of YAML, of which the | or > is at i: all lines that begin further right than the name does. Or a list, of
// which the first dash is at i: that may begin where the name does.
func (m *masker) block(s *subject, i int) (v value, ok bool) {
	t := m.text
	list := t[i] == '-'
	if list {
		i = strings.LastIndexByte(t[:i], '\n')
	} else {
		for i++; i < len(t) && strings.IndexByte("+-0123456789 \t\r", t[i]) >= 0; i++ {
		}
	}
	if m.at(i) != '\n' {
		return v, false
	}
	line := strings.LastIndexByte(t[:s.start], '\n') + 1
	indent := 0
	for line+indent < s.start && (t[line+indent] == ' ' || t[line+indent] == '-') {
		indent++
	}
	v.start, v.end = m.spaces(i), m.spaces(i)
	for i < len(t) {
		i++ // over the line's end
		end := i
		for end < len(t) && t[end] != '\n' {
			end++
		}
		if text := strings.TrimLeft(t[i:end], " "); text != "" {
			if at := end - i - len(text); at < indent || at == indent && (!list || text[0] != '-') {
				break
			}
			v.end = end
		}
		i = end
	}
	m.cost += v.end - v.start + s.start - line
	v.next = v.end
	return v, v.end > v.start
}
