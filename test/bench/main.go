// SPDX-License-Identifier: Apache-2.0

// Command bench measures speed, cost and memory of the operator as ratios to the bare API server, in one run on one
// machine: for each part it starts a control plane and a simulated Studio of its own and runs the operator as a process
// under its own service account's rights. It prints a table and writes table, JSON and plot. It is told what to do by
// the environment: BENCH_TASKS (sizes, comma separated), BENCH_REPEAT, BENCH_PARTS (comma separated), BENCH_OUT (folder),
// BENCH_DOCS (1: into docs/bench), BENCH_MANAGER (another binary of the operator than bin/manager) and BENCH_AGAINST (a file of earlier
// results: where a ratio or a count is worse than there, beyond noise, it fails).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

type options struct {
	sizes  []int
	repeat int
	parts  []string
	// out is the folder of the results.
	out string
	// manager is the operator's binary; empty: bin/manager.
	manager string
	// against is the file of earlier results to compare with; empty: with none.
	against string
	// interval of the source's polls, but where a part needs another.
	interval time.Duration
	// watch is how long is looked at what happens over time: latency, sources.
	watch time.Duration
}

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())

	opts, err := optionsFrom(os.Getenv)
	if err == nil {
		err = bench(ctx, opts, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func optionsFrom(getenv func(string) string) (options, error) {
	opts := options{repeat: 3, interval: 10 * time.Second, watch: time.Minute, out: getenv("BENCH_OUT"), against: getenv("BENCH_AGAINST")}
	sizes := getenv("BENCH_TASKS")
	if sizes == "" {
		sizes = "1000,10000"
	}
	for s := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 50 {
			return options{}, fmt.Errorf("BENCH_TASKS must be whole numbers from 50 on, not %q", s)
		}
		opts.sizes = append(opts.sizes, n)
	}
	if s := getenv("BENCH_REPEAT"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return options{}, fmt.Errorf("BENCH_REPEAT must be a whole number above 0, not %q", s)
		}
		opts.repeat = n
	}
	for _, p := range parts() {
		opts.parts = append(opts.parts, p.name)
	}
	if s := getenv("BENCH_PARTS"); s != "" {
		wanted := strings.Split(s, ",")
		for _, name := range wanted {
			if !slices.Contains(opts.parts, name) {
				return options{}, fmt.Errorf("BENCH_PARTS must be among %s, not %q", strings.Join(opts.parts, ","), name)
			}
		}
		opts.parts = wanted
	}
	root, err := controlplane.RepoRoot()
	if err != nil {
		return options{}, err
	}
	switch {
	case getenv("BENCH_DOCS") == "1":
		opts.out = filepath.Join(root, "docs", "bench")
	case opts.out == "":
		opts.out = filepath.Join(root, "bin", "bench")
	}
	opts.manager = filepath.Join(root, "bin", "manager")
	if s := getenv("BENCH_MANAGER"); s != "" {
		opts.manager = s
	}
	return opts, nil
}

// bench measures each size, and writes the results after each part, so that an interrupted run keeps what it has.
func bench(ctx context.Context, opts options, out io.Writer) error {
	if err := os.MkdirAll(opts.out, 0o750); err != nil {
		return err
	}
	book, err := openBook(filepath.Join(opts.out, "results.json"))
	if err != nil {
		return err
	}
	var results []*result
	for _, n := range opts.sizes {
		r := &runner{opts: opts, tasks: n, result: newResult(), out: out}
		results = append(results, r.result)
		for turn := range opts.repeat {
			for _, p := range r.turn(turn) {
				began := time.Now()
				fmt.Fprintf(out, "%s tasks, run %d of %d: %s ...\n", thousands(n), turn+1, opts.repeat, p.name)
				if err := p.run(ctx, r); err != nil {
					return errors.Join(fmt.Errorf("%s: %w", p.name, err), ctx.Err())
				}
				fmt.Fprintf(out, "  %.0f s\n", time.Since(began).Seconds())
				book.put(n, r.result)
				if err := book.write(opts.out); err != nil {
					return err
				}
			}
		}
	}
	fmt.Fprintf(out, "\n%s\nWritten to %s\n", book.table(), opts.out)
	return compareWith(opts, results, out)
}

// compareWith says what has become worse than in earlier results, which is an error.
func compareWith(opts options, results []*result, out io.Writer) error {
	if opts.against == "" {
		return nil
	}
	earlier, err := openBook(opts.against)
	if err != nil {
		return err
	}
	var worse []string
	for i, n := range opts.sizes {
		before, ok := earlier.Sizes[n]
		if !ok {
			return fmt.Errorf("%s has no figures for %d tasks", opts.against, n)
		}
		table, those := results[i].compare(before)
		fmt.Fprintf(out, "\n%s tasks, to the worst of %s:\n\n%s", thousands(n), opts.against, table)
		worse = append(worse, those...)
	}
	if len(worse) > 0 {
		return fmt.Errorf("worse than in %s: %s. Run it again on a quiet machine; if that is so again, a change has made it so",
			opts.against, strings.Join(worse, ", "))
	}
	return nil
}
