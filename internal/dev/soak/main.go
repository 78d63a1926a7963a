// SPDX-License-Identifier: Apache-2.0

// Command soak is the long proof: the operator's real binary mirrors simulated Studios that change all the time, while it
// is killed, its replicas lose their lease, and API server and Studio fail in all the ways they can. After every round
// the mirror must be exact. It is told what to do by the environment: SOAK_SECONDS is how long, SOAK_SEED repeats the
// choices of an earlier run. Its exit status is 0 only if nothing went wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/livepeer/livepeer-task-operator/internal/dev/controlplane"
)

type options struct {
	duration time.Duration
	seed     uint64
	// manager is the operator's binary.
	manager string
	// tasks that the first Studio begins with.
	tasks int
	// kills of a round that kills.
	kills int
	// rounds to play, in this order; without any, random ones until the time is over.
	rounds []round
}

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// The libraries' own logs would bury the rounds.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())

	opts, err := optionsFrom(os.Getenv, time.Now())
	if err == nil {
		err = soak(ctx, opts, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 1
	}
	return 0
}

func optionsFrom(getenv func(string) string, now time.Time) (options, error) {
	seed := uint64(now.UnixNano()) % 1_000_000
	opts := options{duration: 10 * time.Minute, seed: seed, tasks: 400, kills: 5}
	if s := getenv("SOAK_SECONDS"); s != "" {
		seconds, err := strconv.Atoi(s)
		if err != nil || seconds < 1 {
			return options{}, fmt.Errorf("SOAK_SECONDS must be a whole number of seconds above 0, not %q", s)
		}
		opts.duration = time.Duration(seconds) * time.Second
	}
	if s := getenv("SOAK_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return options{}, fmt.Errorf("SOAK_SEED must be a whole number, not %q", s)
		}
		opts.seed = seed
	}
	root, err := controlplane.RepoRoot()
	opts.manager = filepath.Join(root, "bin", "manager")
	return opts, err
}

var errNotYet = errors.New("not yet")

// soak raises a world, plays the rounds, and tells what came of it.
func soak(ctx context.Context, opts options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "livepeer-soak-")
	if err != nil {
		return err
	}
	report := newReport(out)
	w := &world{opts: opts, dir: dir, report: report, rand: rand.New(rand.NewPCG(opts.seed, 1))}
	report.say("Seed %d", opts.seed)
	begun := time.Now()
	defer func() {
		keep := err != nil || !report.clean()
		err = errors.Join(err, w.clear(keep))
		report.say("\n%-42s %8d\n%-42s %8.0f\n%s", "seed", opts.seed, "seconds", time.Since(begun).Seconds(), report)
		if err == nil && !report.clean() {
			err = errors.New("something went wrong, see above")
		}
		if keep {
			report.say("The logs of the operator, of its writes and of the API server: %s", dir)
		}
	}()
	if err := w.raise(ctx); err != nil {
		return err
	}
	return w.playAll(ctx)
}

// playAll plays the rounds that were asked for, or all kinds in random order until the time is over.
func (w *world) playAll(ctx context.Context) error {
	for _, r := range w.opts.rounds {
		if err := w.play(ctx, r); err != nil {
			return err
		}
	}
	if len(w.opts.rounds) > 0 {
		return nil
	}
	end := time.Now().Add(w.opts.duration)
	for {
		for _, name := range w.shuffled() {
			if !time.Now().Before(end) {
				return nil
			}
			if err := w.play(ctx, randomRound(w.rand, name)); err != nil {
				return err
			}
		}
	}
}

// shuffled returns the names of all disturbances in random order.
func (w *world) shuffled() []string {
	names := slices.Sorted(maps.Keys(disturbances()))
	w.rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}
