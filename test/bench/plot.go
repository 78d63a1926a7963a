// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

const (
	panelWidth, panelHeight = 300, 260
	left, right, top, below = 62, 14, 40, 44
)

// panel is one small diagram with logarithmic axes: a straight line at 45 degrees is linear growth.
type panel struct {
	title  string
	unit   string
	series []series
	// perTask: figures are for 1,000 tasks, and are shown for all of them.
	perTask bool
}

type series struct{ name, label, colour string }

func panels() []panel {
	const green, red, blue = "#0b6e4f", "#c8553d", "#3d5a80"
	return []panel{
		{title: "Time", unit: "s", series: []series{
			{"first.seconds", "first mirror", green}, {"full.seconds", "full sync", red}, {"restart.follows", "restart", blue},
		}},
		{title: "CPU of the operator", unit: "s", perTask: true, series: []series{
			{"first.cpu", "first mirror", green}, {"full.cpu", "full sync", red}, {"restart.cpu", "restart", blue},
		}},
		{title: "Peak memory", unit: "MiB", series: []series{
			{"first.peak", "first mirror", green}, {"full.peak", "full sync", red}, {"restart.peak", "restart", blue},
		}},
	}
}

// plot draws growth over the number of tasks, as an SVG.
func (b *book) plot() string {
	var out strings.Builder
	all := panels()
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		panelWidth*len(all), panelHeight)
	out.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	for i := range all {
		fmt.Fprintf(&out, `<g transform="translate(%d,0)">`+"\n", i*panelWidth)
		b.draw(&out, &all[i])
		out.WriteString("</g>\n")
	}
	out.WriteString("</svg>\n")
	return out.String()
}

func (b *book) draw(out *strings.Builder, p *panel) {
	fmt.Fprintf(out, `<text x="%d" y="16" font-weight="bold">%s (%s)</text>`+"\n", left, html.EscapeString(p.title), p.unit)
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range p.series {
		for _, n := range b.sizes() {
			if v, ok := b.value(p, s.name, n); ok {
				low, high = math.Min(low, math.Log10(v)), math.Max(high, math.Log10(v))
			}
		}
	}
	if math.IsInf(low, 0) {
		return
	}
	low, high = math.Floor(low), math.Max(math.Ceil(high), math.Floor(low)+1)
	sizes := b.sizes()
	first, last := math.Log10(float64(sizes[0])), math.Log10(float64(sizes[len(sizes)-1]))
	if last == first {
		first, last = first-0.5, last+0.5
	}
	x := func(n int) float64 {
		return left + 10 + (panelWidth-left-right-20)*(math.Log10(float64(n))-first)/(last-first)
	}
	y := func(v float64) float64 {
		return panelHeight - below - (panelHeight-top-below)*(math.Log10(v)-low)/(high-low)
	}
	for exponent := low; exponent <= high; exponent++ {
		at := y(math.Pow(10, exponent))
		fmt.Fprintf(out, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n",
			left, at, panelWidth-right, left-6, at+4, math.Pow(10, exponent))
	}
	for _, n := range sizes {
		fmt.Fprintf(out, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(n), panelHeight-below+16, thousands(n))
	}
	fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="middle">tasks</text>`+"\n", (left+panelWidth-right)/2, panelHeight-below+32)
	for i, s := range p.series {
		b.line(out, p, s, x, y)
		fmt.Fprintf(out, `<text x="%d" y="32" fill="%s">%s</text>`+"\n", left+i*80, s.colour, html.EscapeString(s.label))
	}
}

func (b *book) line(out *strings.Builder, p *panel, s series, x func(int) float64, y func(float64) float64) {
	var points []string
	for _, n := range b.sizes() {
		if v, ok := b.value(p, s.name, n); ok {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(n), y(v)))
			fmt.Fprintf(out, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(n), y(v), s.colour)
		}
	}
	fmt.Fprintf(out, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", strings.Join(points, " "), s.colour)
}

// value returns what is drawn of a figure; only what is above 0 has a place on a logarithmic axis.
func (b *book) value(p *panel, name string, tasks int) (float64, bool) {
	f, ok := b.Sizes[tasks].Figures[name]
	if !ok || f.Median <= 0 {
		return 0, false
	}
	if p.perTask {
		return f.Median * float64(tasks) / 1000, true
	}
	return f.Median, true
}
