// SPDX-License-Identifier: Apache-2.0

package term

import "strings"

const gap = "  "

// Column is one of a table. Where the table is wider than the terminal, columns give room: first those with a Comfort, down to that; then
// those with a Least, one after the other, down to that.
type Column struct {
	Header         string
	Least, Comfort int
}

// Table returns the lines of a table that is at most so many columns wide; 0 is for no limit. Cells are cleaned.
func Table(head []Column, rows [][]string, limit int) []string {
	widths := make([]int, len(head))
	for i := range head {
		widths[i] = Columns(head[i].Header)
	}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = Clean(cell)
			widths[i] = max(widths[i], Columns(row[i]))
		}
	}
	if limit > 0 {
		shrink(head, widths, limit)
	}
	headers := make([]string, len(head))
	for i := range head {
		headers[i] = head[i].Header
	}
	lines := make([]string, 0, 1+len(rows))
	lines = append(lines, line(headers, widths, limit))
	for _, row := range rows {
		lines = append(lines, line(row, widths, limit))
	}
	return lines
}

// shrink takes what is too much from the columns that can give it.
func shrink(head []Column, widths []int, limit int) {
	excess := len(gap)*(len(widths)-1) - limit
	for _, w := range widths {
		excess += w
	}
	give := func(i, down int) {
		if down > 0 && excess > 0 {
			taken := max(0, min(excess, widths[i]-down))
			widths[i] -= taken
			excess -= taken
		}
	}
	for i := range head {
		give(i, head[i].Comfort)
	}
	for i := range head {
		give(i, head[i].Least)
	}
}

func line(cells []string, widths []int, limit int) string {
	shown := make([]string, len(cells))
	for i, cell := range cells {
		shown[i] = pad(Cut(cell, widths[i]), widths[i])
	}
	text := strings.TrimRight(strings.Join(shown, gap), " ")
	if limit > 0 {
		text = Cut(text, limit) // a terminal narrower than what can't be cut
	}
	return text
}
