// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestFiguresAreMediansWithTheirRange(t *testing.T) {
	g := NewWithT(t)
	r := newResult()
	for _, v := range []float64{3, 1, 2} {
		r.add("odd", v)
	}
	r.add("even", 1)
	r.add("even", 2)

	g.Expect(r.Figures["odd"]).To(HaveValue(And(HaveField("Median", 2.0), HaveField("Min", 1.0), HaveField("Max", 3.0))))
	g.Expect(r.Figures["even"]).To(HaveValue(HaveField("Median", 1.5)))
}

// A later run at another size adds to the table, one at the same size replaces what it measured, and only that.
func TestResultsOfSeveralRunsMakeOneTable(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	for _, run := range []struct {
		tasks   int
		figures map[string]float64
	}{
		{1000, map[string]float64{"first.ratio": 0.9, "first.peak": 70}},
		{10000, map[string]float64{"first.ratio": 0.97, "first.seconds": 30}},
		{1000, map[string]float64{"first.ratio": 0.96}},
	} {
		book, err := openBook(filepath.Join(dir, "results.json"))
		g.Expect(err).NotTo(HaveOccurred())
		r := newResult()
		for name, v := range run.figures {
			r.add(name, v)
		}
		book.put(run.tasks, r)
		g.Expect(book.write(dir)).To(Succeed())
	}

	book, err := openBook(filepath.Join(dir, "results.json"))
	g.Expect(err).NotTo(HaveOccurred())
	table := book.table()
	g.Expect(table).To(MatchRegexp(`\| first mirror, to the bare API server +\| ratio +\| at least 0\.95 +\| 0\.96 +\| 0\.97 +\|`))
	g.Expect(table).To(MatchRegexp(`\| first mirror: peak memory .*\| 70 \*\*missed\*\* +\| +\|`))
	g.Expect(table).To(ContainSubstring("| 1,000 tasks"))
	g.Expect(table).NotTo(ContainSubstring("shell loop"), "what was not measured has no line")
}

func TestPlotIsAnImageWithASpotForEachFigure(t *testing.T) {
	g := NewWithT(t)
	b := &book{Sizes: map[int]*result{}}
	for _, n := range []int{1000, 10_000} {
		r := newResult()
		r.add("first.seconds", float64(n)/300)
		r.add("first.cpu", 1)
		b.put(n, r)
	}
	plot := b.plot()

	decoder := xml.NewDecoder(strings.NewReader(plot))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(strings.Count(plot, "<circle")).To(Equal(4))
	g.Expect(plot).To(ContainSubstring(">10,000</text>"))
}
