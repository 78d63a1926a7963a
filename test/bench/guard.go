// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
)

// guard is a figure that should be the same on each machine, as far as noise allows.
type guard struct {
	name string
	// to is the figure that it is divided by; empty: it is a ratio or a count itself.
	to string
	// higher: that is better.
	higher bool
	// noise is by how much it may be worse than the worst of what it is compared with, as a part of that.
	noise float64
}

// guards are the figures that a change of the operator can make worse. What the API server does alone is the measure, and no guard.
func guards() []guard {
	// Two operators alike, measured by turns, three times each, spent 0.108 to 0.143 of the API server's CPU on changes.
	const rates, work, cpu, memory = 0.2, 0.15, 0.3, 0.1
	return []guard{
		{name: "first.ratio", higher: true, noise: rates},
		{name: "change.ratio", higher: true, noise: rates},
		{name: "first.work", higher: true, noise: work},
		{name: "change.work", higher: true, noise: work},
		{name: "first.cpu", to: "bare.first.server", noise: cpu},
		{name: "change.cpu", to: "bare.change.server", noise: cpu},
		{name: "full.cpu", to: "bare.first.server", noise: 2 * work}, // a few hundredths of a second
		{name: "first.reads", noise: memory},
		{name: "full.reads", noise: memory},
		{name: "first.peak", noise: memory},
		{name: "change.peak", noise: memory},
		{name: "rest.memory", noise: memory},
		{name: "first.creates"},
		{name: "first.statuses"},
		{name: "first.others"},
		{name: "change.writes"},
		{name: "rest.writes"},
		{name: "rest.requests"},
		{name: "rest.bytes"},
		{name: "full.writes"},
		{name: "restart.writes"},
	}
}

// of is the figure's best and its worst value; false where it was not measured.
func (g *guard) of(r *result) (best, worst float64, ok bool) {
	f, ok := r.Figures[g.name]
	if !ok {
		return 0, 0, false
	}
	low, high := f.Min, f.Max
	if g.to != "" {
		measure, ok := r.Figures[g.to]
		if !ok || measure.Median == 0 {
			return 0, 0, false
		}
		low, high = low/measure.Median, high/measure.Median
	}
	if g.higher {
		return high, low, true
	}
	return low, high, true
}

// worse reports whether a value is worse than another by more than noise.
func (g *guard) worse(value, than float64) bool {
	if g.higher {
		return value < than*(1-g.noise)
	}
	return value > than*(1+g.noise)
}

// compare is a table of what is guarded, and the names of what has become worse: the best of now is worse than the worst of before.
func (r *result) compare(before *result) (table string, worse []string) {
	lines := [][]string{{"figure", "now", "before", ""}}
	for _, g := range guards() {
		now, _, measured := g.of(r)
		_, was, known := g.of(before)
		if !measured || !known {
			continue
		}
		verdict := ""
		if g.worse(now, was) {
			worse = append(worse, g.name)
			verdict = "**worse**"
		}
		lines = append(lines, []string{g.label(), fmt.Sprintf("%.3f", now), fmt.Sprintf("%.3f", was), verdict})
	}
	return markdown(lines), worse
}

// label is what the table of results calls the figure.
func (g *guard) label() string {
	all := rows()
	label := all[slices.IndexFunc(all, func(r row) bool { return r.name == g.name })].label
	if g.to != "" {
		label += ", to the bare API server's CPU"
	}
	return label
}
