// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	. "github.com/onsi/gomega"
)

func resultOf(figures map[string][]float64) *result {
	r := newResult()
	for name, values := range figures {
		for _, value := range values {
			r.add(name, value)
		}
	}
	return r
}

// TestCompare: a figure is worse where its best value is beyond the noise around the worst of before.
func TestCompare(t *testing.T) {
	g := NewWithT(t)
	before := resultOf(map[string][]float64{
		"first.ratio": {0.80, 0.85, 0.90}, "first.cpu": {1.2}, "bare.first.server": {10}, "change.writes": {1}, "rest.memory": {56}, "rest.bytes": {2},
	})
	for name, test := range map[string]struct {
		now  map[string][]float64
		want []string
	}{
		"the same":                      {map[string][]float64{"first.ratio": {0.85}, "change.writes": {1}, "rest.memory": {56}}, nil},
		"better":                        {map[string][]float64{"first.ratio": {1.1}, "change.writes": {0.9}, "rest.memory": {40}}, nil},
		"noise":                         {map[string][]float64{"first.ratio": {0.65}, "rest.memory": {61}}, nil},
		"slower":                        {map[string][]float64{"first.ratio": {0.63}}, []string{"first.ratio"}},
		"slower once":                   {map[string][]float64{"first.ratio": {0.60, 0.80}}, nil},
		"one write more":                {map[string][]float64{"change.writes": {1.001}}, []string{"change.writes"}},
		"more memory":                   {map[string][]float64{"rest.memory": {62}}, []string{"rest.memory"}},
		"more CPU on a slower machine":  {map[string][]float64{"first.cpu": {2.4}, "bare.first.server": {20}}, nil},
		"more CPU":                      {map[string][]float64{"first.cpu": {1.6}, "bare.first.server": {10}}, []string{"first.cpu"}},
		"more CPU on a faster machine":  {map[string][]float64{"first.cpu": {1.2}, "bare.first.server": {5}}, []string{"first.cpu"}},
		"the measure was not measured":  {map[string][]float64{"first.cpu": {9}}, nil},
		"it was not measured before":    {map[string][]float64{"full.writes": {9}}, nil},
		"two, in the order of the list": {map[string][]float64{"rest.bytes": {9}, "first.ratio": {0.1}}, []string{"first.ratio", "rest.bytes"}},
	} {
		table, worse := resultOf(test.now).compare(before)
		g.Expect(worse).To(Equal(test.want), name)
		for _, figure := range worse {
			for _, row := range rows() {
				if row.name == figure {
					g.Expect(table).To(MatchRegexp(`%s.*\*\*worse\*\*`, row.label), name)
				}
			}
		}
	}
}

// TestGuardsAreMeasured: each guard is a figure of the table, and the committed results hold it.
func TestGuardsAreMeasured(t *testing.T) {
	g := NewWithT(t)
	committed, err := openBook("../../docs/bench/results.json")
	g.Expect(err).NotTo(HaveOccurred())
	for _, guard := range guards() {
		g.Expect(guard.label()).NotTo(BeEmpty())
		_, _, known := guard.of(committed.Sizes[1000])
		g.Expect(known).To(BeTrue(), guard.name)
	}
}
