// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

const (
	maxHeader = 512 // bytes of what names the columns of a table
	maxRows   = 200
)

// table masks the column of a table that s is the head of: in CSV, in what clients of databases print, in Markdown, and in the
// VALUES of an INSERT, or Key (user_id, token)=(12, hunter2).
func (m *Masker) table(s *subject) {
	t := m.Text
	start, end := s.start, m.closers(s)
	for m.At(end) == ' ' {
		end++
	}
	inner := strings.IndexByte(",;|\t\n)", m.At(end)) < 0 // a column between others
	if inner && !strings.HasSuffix(t[:end], "  ") || end >= len(t) {
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
	if sep == 0 && end < len(t) {
		m.ruled(s, start, end)
	}
	if sep == 0 || inner || end >= len(t) {
		return
	}
	column, columns := strings.Count(t[start:s.start], string(sep)), strings.Count(head, string(sep))
	inString := m.Depth(end) > 0 && m.StringEnd(start, end, m.Depth(end)) == end
	if m.At(start-1) == '(' && t[end] == ')' {
		if i := m.Spaces(end + 1); sep == ',' && (view.HasFold(t[i:], "values") || m.At(i) == '=') {
			m.inserted(s, column, m.NameEndAt(i+1))
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
		if next := m.StringEnd(start, end, m.Depth(start-1)); inString && next < end { // more members of JSON follow
			row, end, n = t[start:next], next, maxRows
		}
		if strings.Trim(row, "-+|=: ") == "" && row != "" {
			continue
		}
		if strings.Count(row, string(sep)) != columns || s.strength < words.Noun && strings.Contains(row, s.word+string(sep)) { // no head
			return
		}
		m.cellOf(s, column, start, end, sep)
	}
}

// ruled masks the column below s where the line after says with dashes where each begins, as PowerShell and others print tables, or where
// it is aligned among others. The line of s is from start to end.
func (m *Masker) ruled(s *subject, start, end int) {
	const lines = "-="
	rule := m.Closed(end+1, "\n", view.Escaped)
	dashes, column := m.Text[min(end+1, rule):rule], s.start-start
	if strings.Trim(dashes, lines+"+ ") != "" || column >= len(dashes) || strings.IndexByte(lines, dashes[column]) < 0 {
		m.aligned(s, start, end)
		return
	}
	for column > 0 && strings.IndexByte(lines, dashes[column-1]) >= 0 {
		column--
	}
	only := strings.IndexByte(strings.TrimSpace(dashes), ' ') < 0 // column
	before, name := strings.TrimSpace(m.Text[start+column:s.start]), strings.TrimSpace(m.Text[start+column:end])
	if before != "" || only && name != s.word {
		return
	}
	for n := 0; n < maxRows && rule < len(m.Text) && !m.Full(); n++ {
		from := rule + 1
		rule = m.Closed(from, "\n", view.Escaped)
		row := strings.TrimRight(m.Text[min(from, rule):rule], " ")
		if column >= len(row) || column > 0 && row[column-1] != ' ' || only && strings.ContainsAny(strings.TrimSpace(row), " (") {
			return
		}
		text := strings.TrimLeft(row[column:], " ")
		cell, _ := view.CutAny(text, " \"")
		from += len(row) - len(text)
		m.hideIf(s, page.Unquoted(from, from+len(cell)))
	}
}

// aligned masks the column below s, whose line is from start to end, in a table of which the columns are two spaces apart, as kubectl and
// others print them.
func (m *Masker) aligned(s *subject, start, end int) {
	column := s.start - start
	if !strings.Contains(strings.TrimSpace(m.Text[start:end]), "  ") || column > 0 && !strings.HasSuffix(m.Text[start:s.start], "  ") {
		return
	}
	for n := 0; n < maxRows && end < len(m.Text) && !m.Full(); n++ {
		from := end + 1
		end = m.Closed(from, "\n", view.Escaped)
		row := m.Text[min(from, end):end]
		if column >= len(row) || column > 0 && !strings.HasSuffix(row[:column], "  ") {
			return
		}
		cell, _ := view.CutAny(row[column:], " \"")
		if words.Mixed(cell) && (s.strength > words.Weak || !words.IsID(cell)) {
			m.hideIf(s, page.Unquoted(from+column, from+column+len(cell)))
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
	cells := m.Cells(start, end, string(sep))
	if column >= len(cells) {
		return
	}
	cell := m.Text[cells[column].Start:cells[column].End]
	text := strings.Trim(cell, " \t\"'`")
	from := cells[column].Start + strings.Index(cell, text)
	v := page.Unquoted(from, from+len(text))
	m.hideIf(s, v)
	m.Hide(m.Bound(v))
}
