// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
)

// column is one of the table of seeds.
type column struct {
	head string
	of   figure
}

// columns are how much was tried, and then what must be 0.
func columns() []column {
	return []column{
		{"seconds", duration}, {"rounds", rounds}, {"operations", operations}, {"kills", kills}, {"compared", compared},
		{"differences", differences}, {"wrong deletions", wrongDeletions}, {"doubled", doubled},
		{"writes after loss", writesAfterLoss}, {"exits", unexpectedExits}, {"stuck", stuck},
	}
}

// soakSeeds makes a run for each of many seeds, and sums them up as a table. Of a run that went wrong it shows everything.
func soakSeeds(ctx context.Context, opts options, out io.Writer) error {
	first, sums := opts.seed, map[figure]int{}
	var wrong []string
	fmt.Fprint(out, tableHead())
	for opts.seed-first < uint64(opts.seeds) { //nolint:gosec // above 0
		var told bytes.Buffer
		r, err := soak(ctx, opts, &told)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprint(opts.seed))
			fmt.Fprintf(out, "%s%v\n", &told, err)
		}
		if r != nil {
			for _, c := range columns() {
				sums[c.of] += r.get(c.of)
			}
			fmt.Fprint(out, tableLine(fmt.Sprint(opts.seed), r.get))
		}
		opts.seed++
	}
	fmt.Fprint(out, tableLine("all", func(f figure) int { return sums[f] }))
	if len(wrong) > 0 {
		return fmt.Errorf("%d of %d seeds went wrong: %s", len(wrong), opts.seeds, strings.Join(wrong, ", "))
	}
	return nil
}

func tableHead() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%10s", "seed")
	for _, c := range columns() {
		b.WriteString("  " + c.head)
	}
	return b.String() + "\n"
}

func tableLine(seed string, get func(figure) int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%10s", seed)
	for _, c := range columns() {
		fmt.Fprintf(&b, "  %*d", len(c.head), get(c.of))
	}
	return b.String() + "\n"
}
