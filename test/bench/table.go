// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// table is all that was measured, a column for each size. Missed goals are marked.
func (b *book) table() string {
	var lines [][]string
	sizes := b.sizes()
	header := append(make([]string, 0, 3+len(sizes)), "figure", "unit", "goal")
	for _, n := range sizes {
		header = append(header, thousands(n)+" tasks")
	}
	lines = append(lines, header)
	for _, r := range rows() {
		line := append(make([]string, 0, 3+len(sizes)), r.label, r.unit, r.goal)
		measured := false
		for _, n := range sizes {
			f, ok := b.Sizes[n].Figures[r.name]
			measured = measured || ok
			line = append(line, r.cell(f, n))
		}
		if measured {
			lines = append(lines, line)
		}
	}
	return markdown(lines)
}

func (r *row) cell(f *figure, tasks int) string {
	if f == nil {
		return ""
	}
	text := r.format(f.Median)
	if len(f.Values) > 1 {
		text += " (" + r.format(f.Min) + " to " + r.format(f.Max) + ")"
	}
	if r.met != nil && !r.met(f.Median, tasks) {
		text += " **missed**"
	}
	return text
}

func (r *row) format(value float64) string {
	if r.digits == 0 {
		return thousands(int(value + 0.5))
	}
	return strconv.FormatFloat(value, 'f', r.digits, 64)
}

// thousands writes a number with its digits in groups.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// markdown lays a table out so that it reads well as text too.
func markdown(lines [][]string) string {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var out strings.Builder
	for n, line := range lines {
		for i, cell := range line {
			fmt.Fprintf(&out, "| %-*s ", widths[i], cell)
		}
		out.WriteString("|\n")
		if n == 0 {
			for _, width := range widths {
				out.WriteString("|" + strings.Repeat("-", width+2))
			}
			out.WriteString("|\n")
		}
	}
	return out.String()
}

// page is the table with what it takes to read it.
func (b *book) page() string {
	var out strings.Builder
	out.WriteString(`<!-- Made by make bench; not edited by hand. -->
# Speed, cost and memory

Medians, with minimum and maximum where it was measured more than once. All of it ran on one machine, which the operator
shared with the API server, etcd and the simulated Studio; so look at ratios and CPU time rather than at seconds. Tasks are
like the example of the API's reference page: 4.3 KB as stored. The bare API server is a plain loop of prepared requests
at its best concurrency, with no operator and on a control plane of its own.

`)
	out.WriteString(b.table())
	out.WriteString("\n![How time, CPU and memory grow with the number of tasks](growth.svg)\n\n")
	for _, n := range b.sizes() {
		fmt.Fprintf(&out, "- %s tasks: %s, %s\n", thousands(n), b.Sizes[n].Time, b.Sizes[n].Machine)
	}
	return out.String()
}
