// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// scrapeLabels are those that Prometheus adds.
var scrapeLabels = []string{"job", "instance"}

// Unknown says what a query uses that is not exported: names of metrics, and labels. exported are the labels of each metric, by
// its name.
func Unknown(query string, exported map[string][]string) []string {
	used, groups := Uses(query)
	known := append([]string{"le"}, scrapeLabels...) // a histogram's buckets have it
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(used)) {
		labels, ok := exported[base(name, exported)]
		if !ok {
			unknown = append(unknown, fmt.Sprintf("metric %q", name))
			continue
		}
		known = append(known, labels...)
		for _, label := range used[name] {
			if !slices.Contains(labels, label) && !slices.Contains(scrapeLabels, label) {
				unknown = append(unknown, fmt.Sprintf("label %q of %q", label, name))
			}
		}
	}
	for _, label := range groups {
		if !slices.Contains(known, label) {
			unknown = append(unknown, fmt.Sprintf("label %q", label))
		}
	}
	return unknown
}

// base is the name under which the series of a histogram are exported.
func base(name string, exported map[string][]string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if histogram, ok := strings.CutSuffix(name, suffix); ok {
			if _, known := exported[histogram]; known {
				return histogram
			}
		}
	}
	return name
}
