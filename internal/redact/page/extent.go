// SPDX-License-Identifier: Apache-2.0

package page

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// Opening returns the length of what opens a value at i, and what closes it: quotes of all kinds, CDATA, the dollars of
// PostgreSQL, the brackets of Lua, a here document. 0 if a value begins without.
func (p *Page) Opening(i int) (n int, closing string) {
	t := p.Text[min(i, len(p.Text)):]
	c := p.At(i)
	switch {
	case view.IsQuote(c) && p.At(i+1) == c && p.At(i+2) == c:
		return 3, t[:3]
	case view.IsQuote(c) && p.At(i+1) == c && p.doubled(i):
		return 2, t[:2]
	case view.IsQuote(c):
		return 1, t[:1]
	case strings.HasPrefix(t, "<![CDATA["):
		return len("<![CDATA["), "]]>"
	case strings.HasPrefix(t, "[["):
		return 2, "]]"
	case c|0x20 == 'q' && p.At(i+1) == '\'' && strings.IndexByte("[{<(", p.At(i+2)) >= 0: // of Oracle
		return 3, "]}>)"[strings.IndexByte("[{<(", t[2]):][:1] + "'"
	case c == '$':
		for n = 1; n < len(t) && n < 16 && (view.IsAlnum(t[n]) || t[n] == '_'); n++ {
		}
		if n < len(t) && t[n] == '$' && strings.Contains(t[n+1:min(len(t), n+MaxElement)], t[:n+1]) {
			return n + 1, t[:n+1]
		}
	case strings.HasPrefix(t, "<<"):
		for n = 2; n < len(t) && strings.IndexByte("<-~'\" ", t[n]) >= 0; n++ {
		}
		if view.IsQuote(t[n-1]) && (t[2] == '<' || n == 3) && !strings.HasPrefix(t, "<<'") || n == len(t) { // <<< "hunter2", <<"hunter2">>
			return n, t[n-1 : n]
		}
		end := n
		for end < len(t) && (view.IsAlnum(t[end]) || t[end] == '_') {
			end++
		}
		if line := strings.IndexByte(t[end:], '\n'); end > n && line >= 0 && line < 8 {
			return end + line, t[n:end]
		}
	}
	return 0, ""
}

// doubled reports whether the two quotes at i open a value, as in Nix and within the strings of SQL and CSV, and are no empty one.
func (p *Page) doubled(i int) bool {
	if !view.IsAlnum(p.At(i+2)) && p.At(i+2) != '\n' {
		return false
	}
	rest := p.Text[i+2 : min(len(p.Text), i+MaxLook)]
	end := strings.Index(rest, p.Text[i:i+2])
	p.Cost += max(end, 0)
	return end > 0 && !strings.ContainsAny(rest[:end], "=;:")
}

// Word reads the value at i, in quotes or not. loose: without, it may be a word of a sentence.
func (p *Page) Word(i int, loose bool) (v Value, ok bool) {
	if n, _ := p.Opening(i); n > 0 {
		return p.Quoted(i), true
	}
	v = Unquoted(i, p.Bare(i, p.Depth(i), loose))
	return v, v.End > i && !strings.HasPrefix(p.Text[i:], Mask)
}

// Quoted reads the value that is opened at i, and what is glued to it. One that is cut off reaches to the end of the text.
func (p *Page) Quoted(i int) Value {
	t := p.Text
	v := Value{Start: i, Quoted: true}
	for first := true; first || v.Next-v.Start < MaxElement; first = false { // 'it'"'"'s', "a" + "b", 'it''s', 'bob'@'%'
		n, closing := p.Opening(i)
		v.End = p.Closed(i+n, closing, p.Depth(i))
		v.Next = min(len(t), v.End+len(closing))
		if first {
			v.Start = i + n
		}
		j := v.Next
		if k := p.Spaces(j); strings.IndexByte("+&@", p.At(k)) >= 0 && k < len(t) || p.At(k) == '.' && k > j {
			if k = p.Spaces(k + 1); view.IsQuote(p.At(k)) {
				j = k
			}
		} else if k > j && p.At(k) == '"' && p.Operator(p.Spaces(p.Closed(k+1, `"`, p.Depth(k))+1)) == "" { // "a" "b"
			j = k
		}
		switch {
		case n == 1 && view.IsQuote(p.At(j)) && p.Depth(j) == p.Depth(i) && (t[j] == t[i] || strings.IndexByte(",}]\x00", p.At(j+1)) < 0):
			i = j
			continue
		case n == 1 && view.IsAlnum(p.At(j)):
			v.End = p.Bare(j, p.Depth(i), false)
			v.Next = v.End
		}
		break
	}
	for n := v.End; n > v.Start && len(t) > n && t[n-1] == '\n'; n-- { // a here document
		v.End = n - 1
	}
	return v
}

// Closed returns where closing is from i on, decoded to no more than depth; the end of the text if it is nowhere.
func (p *Page) Closed(i int, closing string, depth uint8) int {
	from := i
	for i = min(i, len(p.Text)); i < len(p.Text); i++ {
		if p.Text[i] == closing[0] && p.Depth(i) <= depth && strings.HasPrefix(p.Text[i:], closing) {
			break
		}
	}
	p.Cost += i - from
	return i
}

// StringEnd returns where the string that is open at i, and has what was decoded to depth in it, is closed; end if it isn't before.
func (p *Page) StringEnd(i, end int, depth uint8) int {
	for i < end {
		quote := strings.IndexByte(p.Text[i:end], '"')
		if quote < 0 {
			break
		}
		if i += quote; p.Depth(i) < depth {
			return i
		}
		i++
		p.Cost++
	}
	return end
}

// Closing returns where the bracket at i is closed; -1 if it isn't, before limit.
func (p *Page) Closing(i, limit int) int {
	limit = min(limit, len(p.Text))
	open := 0
	for j := i; j < limit; j++ {
		p.Cost++
		switch p.Text[j] {
		case '[', '{', '(':
			open++
		case ']', '}', ')':
			if open--; open <= 0 {
				return j
			}
		case '"':
			j = p.Closed(j+1, `"`, p.Depth(j))
		case '\'':
			if end := p.Closed(j+1, "'", p.Depth(j)); strings.IndexByte("=(,: [{", p.At(j-1)) >= 0 && end < limit {
				j = end
			}
		}
		if open == 0 {
			break
		}
	}
	return -1
}

// OpenedAt returns where the bracket is that is open at i; ok is false where there is none from least on.
func (p *Page) OpenedAt(i, least int) (start int, ok bool) {
	open := 0
	for start = i; start > least && open >= 0; start-- {
		switch p.Text[start-1] {
		case '{', '[', '(':
			open--
		case '}', ']', ')':
			open++
		}
	}
	p.Cost += i - start
	return start, open < 0
}

// Cells returns what stands between the separators from start to end: what is in quotes or brackets is of one piece.
func (p *Page) Cells(start, end int, separators string) (cells []Value) {
	for i := start; i <= end; i++ {
		switch c := p.At(i); {
		case i == end || strings.IndexByte(separators, c) >= 0:
			cells = append(cells, Unquoted(start, i))
			start = i + 1
		case view.IsQuote(c):
			i += 1 + strings.IndexByte(p.Text[i+1:end], c)
		case c == '(' || c == '[' || c == '{':
			i = max(i, p.Closing(i, end))
		}
	}
	return cells
}

var valuePunct = view.SetOf("\"'`<>&,;|)]}/?#")

// Bare returns where the value without quotes ends that begins at i, and was decoded to depth. loose: it may be a word of a
// sentence.
func (p *Page) Bare(i int, depth uint8, loose bool) int {
	t, from := p.Text, i
	inURL, inPath := i < p.URL.End, i < p.URL.Query && i < p.URL.End
	for ; i < len(t) && !p.Full(); i++ {
		c := t[i]
		if view.IsSpace(c) && (p.Depth(i) <= depth || p.IsEscaped(i) && (loose || p.PairFollows(i+1))) ||
			valuePunct[c] && p.bareEnds(i, depth, inURL, inPath) {
			break
		}
		if (c == '(' || c == '[' || c == '{') && i > from {
			if end := p.Closing(i, i+MaxLook); end > 0 && strings.IndexByte(t[i:end], '\n') < 0 {
				i = end
			}
		}
	}
	p.Cost += i - from
	return from + len(Trim(t[from:i], ".,:;"))
}

// bareEnds reports whether the punctuation at i ends a value rather than being a part of it.
func (p *Page) bareEnds(i int, depth uint8, inURL, inPath bool) bool {
	if inURL && p.Depth(i) > depth && !p.IsEscaped(i) {
		return false
	}
	next := p.At(i + 1)
	last := next == 0 || view.IsSpace(next)
	switch p.Text[i] {
	case '<':
		return next == '/' || next == '!' || view.HasFold(p.Text[i:], "<br")
	case '&':
		return inURL && p.Depth(i) <= depth || i <= p.QueryEnd || p.PairFollows(i+1)
	case ',', ';', '|':
		return last || inPath || p.PairFollows(i+1)
	case '/', '?':
		return inPath
	case '#':
		return inURL
	}
	return !view.IsAlnum(next)
}

// PairFollows reports whether a name with a value begins at i.
func (p *Page) PairFollows(i int) bool {
	for view.IsSpace(p.At(i)) || view.IsQuote(p.At(i)) || p.At(i) == '+' {
		i++
	}
	end := p.NameEndAt(i)
	named := end > i
	for p.At(end) == ' ' || view.IsQuote(p.At(end)) {
		end++
	}
	const longest = 24 // of a name without a value: beyond it, what ends in an equals sign rather is in base64
	if p.At(end) == '=' && end-i >= longest && strings.IndexByte("\x00=\n\r\t \"'),.", p.At(end+1)) >= 0 {
		return false
	}
	return named && (p.At(end) == '=' || p.At(end) == ':' && p.At(end-1) != ' ')
}

var (
	operators     = words.List("operator")
	operatorBytes = func() *[256]bool {
		first := ""
		for _, op := range operators {
			first += op[:1]
		}
		return view.SetOf(first)
	}()
)

// Bound returns where the values are that a database says it bound to the placeholder v and others, if it does beside the statement.
func (p *Page) Bound(v Value) (start, end int) {
	if !words.IsPlaceholder(p.Text[v.Start:v.End]) {
		return 0, 0
	}
	rest := strings.ToLower(p.Text[max(0, v.Start-MaxLook):min(len(p.Text), v.End+MaxLook)])
	p.Cost += len(rest)
	for _, word := range []string{"parameters", "params", "args", "binds", "bindings", "--", "<-"} {
		if _, after, found := strings.Cut(rest, word); found {
			start = max(0, v.Start-MaxLook) + len(rest) - len(strings.TrimLeft(after, " :='\""))
			if end = p.Closing(start, start+MaxLook); end > start+1 && strings.IndexByte("[({", p.At(start)) >= 0 {
				return start + 1, end
			}
			if list, _ := view.CutAny(p.Text[start:min(len(p.Text), start+MaxLook)], "\"\n"); strings.HasPrefix(list, "$") { // PostgreSQL
				return start, start + len(list)
			}
		}
	}
	return 0, 0
}

// Operator returns the operator at i, "" if there is none.
func (p *Page) Operator(i int) string {
	if !operatorBytes[p.At(i)] {
		return ""
	}
	for _, op := range operators {
		if strings.HasPrefix(p.Text[i:], op) {
			if op == ":" && (strings.HasPrefix(p.Text[i:], "://") || strings.HasPrefix(p.Text[i:], "::") && !view.IsSpace(p.At(i+2))) {
				return ""
			}
			if next := p.At(i + len(op)); op == "-->" && next == '>' || op == "~" && next != ' ' { // of a diagram, a path
				return ""
			}
			return op
		}
	}
	return ""
}

// Value is what stands beside a name.
type Value struct {
	Start, End int // what is masked of it
	Next       int // where to go on
	Quoted     bool
	Bracket    bool
}

// Unquoted returns a value that is in no quotes.
func Unquoted(start, end int) Value { return Value{Start: start, End: end, Next: end} }
