// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

const (
	maxHeader = 512 // bytes of what names the columns of a table
	maxRows   = 200
)

// table masks the column of a table that s is the head of: in CSV, in what clients of databases print, in Markdown, and in the
// VALUES of an INSERT.
func (m *Masker) table(s *subject) {
	t := m.Text
	start, end := s.start, m.closers(s)
	for m.At(end) == ' ' {
		end++
	}
	if strings.IndexByte(",;|\t\n)", m.At(end)) < 0 || end >= len(t) {
		return
	}
	for start > 0 && s.start-start < maxHeader && t[start-1] != '\n' && t[start-1] != '(' && (t[start-1] != ' ' || m.At(start-2) != ':') {
		start--
	}
	for end < len(t) && end-s.end < maxHeader && t[end] != '\n' && t[end] != ')' {
		end++
	}
	m.Cost += end - start
	if i := strings.LastIndex(t[start:s.start], `:"`); i >= 0 && m.Depth(end) > 0 { // in JSON
		start += i + len(`:"`)
	}
	head := t[start:end]
	var sep byte
	for _, c := range []byte(",;\t|") {
		if strings.IndexByte(head, c) >= 0 {
			sep = c
		}
	}
	if end >= len(t) {
		return
	}
	if sep == 0 {
		m.singleColumn(s, head, end)
		m.ruled(s, start, end)
		return
	}
	column, columns := strings.Count(t[start:s.start], string(sep)), strings.Count(head, string(sep))
	if m.At(start-1) == '(' && t[end] == ')' {
		if i := m.Spaces(end + 1); sep == ',' && view.HasFold(t[i:], "values") {
			m.inserted(s, column, i+len("values"))
		}
		return
	}
	for cell := range strings.SplitSeq(strings.Trim(head, " \t|"), string(sep)) {
		if cell = strings.Trim(cell, " \t\"'`"); cell == "" || strings.Count(cell, " ") > 1 || m.At(start-1) == '(' || t[end] == ')' ||
			strings.ContainsAny(cell, "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~") {
			return
		}
	}
	for n := 0; n < maxRows && end < len(t) && !m.Full(); n++ {
		start = end + 1
		end = m.Closed(start, "\n", view.Escaped)
		row := t[min(start, end):end]
		if strings.Trim(row, "-+|=: \r") == "" && row != "" {
			continue
		}
		if strings.Count(row, string(sep)) != columns {
			return
		}
		m.cellOf(s, column, start, end, sep)
	}
}

// singleColumn masks the rows of a table of which s is the only column, and which has a line below its head.
func (m *Masker) singleColumn(s *subject, head string, end int) {
	rule := m.Closed(end+1, "\n", view.Escaped)
	line := strings.TrimSpace(m.Text[end:rule])
	if strings.TrimSpace(head) != s.word || len(line) < len(s.word) || strings.Trim(line, "-=+") != "" {
		return
	}
	for n := 0; n < maxRows && rule < len(m.Text) && !m.Full(); n++ {
		start := rule + 1
		rule = m.Closed(start, "\n", view.Escaped)
		if cell := strings.TrimSpace(m.Text[start:rule]); cell == "" || strings.ContainsAny(cell, " (") {
			return
		}
		m.cellOf(s, 0, start, rule, '\n')
	}
}

// ruled masks the column below s where dashes in the line after say where each begins, as PowerShell and others print tables. The line of s
// is from start to end.
func (m *Masker) ruled(s *subject, start, end int) {
	rule := m.Closed(end+1, "\n", view.Escaped)
	dashes, column := m.Text[min(end+1, rule):rule], s.start-start
	if strings.Trim(dashes, "-=+ \r") != "" || strings.IndexByte(dashes, '-') < 0 || column >= len(dashes) || dashes[column] != '-' ||
		column > 0 && dashes[column-1] == '-' {
		return
	}
	for n := 0; n < maxRows && rule < len(m.Text) && !m.Full(); n++ {
		from := rule + 1
		rule = m.Closed(from, "\n", view.Escaped)
		cell := from + column
		if cell >= rule || m.Text[cell-1] != ' ' && column > 0 || strings.HasPrefix(m.Text[cell:], page.Mask) {
			return
		}
		width := strings.IndexAny(m.Text[cell:rule], " \r\"")
		if width < 0 {
			width = rule - cell
		}
		v := page.Value{Start: cell, End: cell + width, Next: cell + width}
		if width > 0 && m.wants(s, link{bond: assigned}, &v) {
			m.Hide(v.Start, v.End)
		}
	}
}

// inserted masks one value of each of the rows in parentheses at i.
func (m *Masker) inserted(s *subject, column, i int) {
	for n := 0; n < maxRows && !m.Full(); n++ {
		i = m.Spaces(i)
		end := m.Closing(i, len(m.Text))
		if m.At(i) != '(' || end < 0 {
			return
		}
		m.cellOf(s, column, i+1, end, ',')
		if i = m.Spaces(end + 1); m.At(i) != ',' {
			return
		}
		i++
	}
}

// cellOf masks what is in a column of the row from start to end, if that is a credential.
func (m *Masker) cellOf(s *subject, column, start, end int, sep byte) {
	t := m.Text
	from, n := start, 0
	for i := start; i <= end; i++ {
		switch {
		case i == end, t[i] == sep:
			if n == column {
				text := strings.Trim(t[from:i], " \t\r\"'`")
				v := page.Value{Start: from + strings.Index(t[from:i], text)}
				v.End = v.Start + len(text)
				if text != "" && !strings.HasPrefix(text, page.Mask) && m.wants(s, link{bond: assigned}, &v) {
					m.Hide(v.Start, v.End)
				}
				return
			}
			from = i + 1
			n++
		case t[i] == '\'' || t[i] == '"':
			i = min(m.Closed(i+1, t[i:i+1], m.Depth(i)), end-1)
		case t[i] == '(':
			i = max(i, m.Closing(i, end))
		}
	}
}
