// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// rowLeads are how databases go on, behind the word that is a key, to the values of a row that they print without the names of its columns.
var rowLeads = map[string]string{
	"failing":   " row contains (", // PostgreSQL
	"duplicate": " key value is (", // SQL Server
	"dup":       " key: { : ",      // MongoDB
	"copy":      "",                // PostgreSQL: COPY tokens, line 3: "1,bob,hunter2"
}

// table is how surely the table that a database speaks of has credentials, and up to where that was found out.
type table struct {
	strength words.Strength
	end      int
	row      int // where its last row ends
}

// row masks what may be a credential among the values of a row that s leads to, if what is said beside it names a table, or columns, that
// has some. It returns where to go on, 0 if there is no such row.
func (m *Masker) row(s word) int {
	lead, found := rowLeads[strings.ToLower(s.text)]
	if !found || s.start < m.table.row || !strings.HasPrefix(m.Text[s.end:], lead) {
		return 0
	}
	start := s.end + len(lead)
	end, strength := 0, words.Open
	if lead == "" {
		name := m.NameEndAt(m.Blanks(s.end))
		line := m.NameEndAt(name + len(", line "))
		if start = line + len(`: "`); !strings.HasPrefix(m.Text[name:], ", line ") || !strings.HasPrefix(m.Text[line:], `: "`) {
			return 0
		}
		end, strength = m.Closed(start, `"`, m.Depth(start-1)), strengthOfTable(m.Text[m.Blanks(s.end):name])
	} else if end = m.Closing(start-1, start+page.MaxElement); lead[len(lead)-1] != '(' || end < 0 {
		end = m.Closed(start, "\n", view.Escaped)
	}
	m.table.row = end
	m.Keys++
	if strength = max(strength, m.tableAround(s.start, end)); strength == words.Open {
		return 0
	}
	for cell := range strings.FieldsFuncSeq(m.Text[start:end], func(r rune) bool { return strings.ContainsRune(",\t;|", r) }) {
		from := start + strings.Index(m.Text[start:end], cell)
		start = from + len(cell)
		text := strings.Trim(cell, " \"'`(){}")
		odd := words.Mixed(text) && strings.IndexByte(text, ' ') < 0 || words.Opaque(text)
		if words.IsID(text) || strings.ContainsAny(text, "@{:") || !odd || strength < words.Noun && !words.Opaque(text) {
			continue
		}
		from += strings.Index(cell, text)
		m.Hide(from, from+len(text))
	}
	return end
}

// tableAround returns how surely what is said before i and behind end names a table or columns with credentials. A column that is said to
// be null says nothing; the table of the users may have some.
func (m *Masker) tableAround(i, end int) words.Strength {
	if i < m.table.end {
		return m.table.strength
	}
	m.table.strength, m.table.end = words.Open, i+page.MaxLook
	for _, part := range [][2]int{{max(0, i-page.MaxLook), i}, {min(end, len(m.Text)), min(len(m.Text), end+page.MaxLook)}} {
		for j := part[0]; j < part[1]; j++ {
			next := m.NameEndAt(j)
			if next > j && !strings.HasSuffix(m.Text[:j], `column "`) {
				m.table.strength = max(m.table.strength, strengthOfTable(m.Text[j:next]))
			}
			j = next
		}
	}
	return m.table.strength
}

func strengthOfTable(name string) words.Strength {
	if last := words.LastWord(name); last == "users" || last == "user" || last == "accounts" || last == "account" {
		return words.Weak
	}
	if strength := words.StrengthOf(name); strength != words.Unsure {
		return strength
	}
	return words.Open
}
