// SPDX-License-Identifier: Apache-2.0

// Command soak is the long proof: the operator's real binary mirrors simulated Studios that change all the time, while it
// is killed, its replicas lose their lease, and API server and Studio fail in all the ways they can. After every round
// the mirror must be exact. It is told what to do by the environment: SOAK_SECONDS is how long, SOAK_SEED repeats the
// choices of an earlier run, SOAK_QUICK=1 plays the rounds of make test instead, and SOAK_SEEDS is how many runs to make, each
// with a seed of its own. Its exit status is 0 only if nothing went wrong.
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

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

type options struct {
	duration time.Duration
	seed     uint64
	// manager is the operator's binary.
	manager string
	// tasks that the first Studio begins with.
	tasks int
	// hanging sources of a tenant whose API never answers.
	hanging int
	// kills of a round that kills.
	kills int
	// rounds to play, in this order; without any, random ones until the time is over.
	rounds []round
	// seeds is how many runs to make, the first with seed; 0: one, told in full.
	seeds int
	// logs is the folder that a run which went wrong leaves its logs in.
	logs string
}

// quick makes of them the short form: each kind of trouble once.
func (o options) quick() options {
	o.tasks, o.kills, o.hanging = 160, 3, 60
	o.rounds = []round{
		{disturbance: "kills in the first sync"},
		{disturbance: "kills in steady change", api: 0.1, studio: 0.3, people: true},
		{disturbance: "API server restart", studio: 0.3},
		{disturbance: "leader killed", studio: 0.2, people: true},
		{disturbance: "leases out of reach of the leader", api: 0.05},
	}
	return o
}

// again is the command that repeats the choices of a run.
func (o options) again() string {
	if len(o.rounds) > 0 {
		return fmt.Sprintf("make test-soak SOAK_QUICK=1 SOAK_SEED=%d", o.seed)
	}
	return fmt.Sprintf("make test-soak SOAK_SECONDS=%.0f SOAK_SEED=%d", o.duration.Seconds(), o.seed)
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
	switch {
	case err != nil:
	case opts.seeds > 0:
		err = soakSeeds(ctx, opts, os.Stdout)
	default:
		_, err = soak(ctx, opts, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 1
	}
	return 0
}

func optionsFrom(getenv func(string) string, now time.Time) (options, error) {
	seed := uint64(now.UnixNano()) % 1_000_000
	opts := options{seed: seed, tasks: 400, kills: 5, hanging: 500}
	seconds, err := countFrom(getenv, "SOAK_SECONDS", 600)
	if err != nil {
		return options{}, err
	}
	opts.duration = time.Duration(seconds) * time.Second
	if opts.seeds, err = countFrom(getenv, "SOAK_SEEDS", 0); err != nil {
		return options{}, err
	}
	if s := getenv("SOAK_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return options{}, fmt.Errorf("SOAK_SEED must be a whole number, not %q", s)
		}
		opts.seed = seed
	}
	if getenv("SOAK_QUICK") == "1" {
		opts = opts.quick()
	}
	root, err := controlplane.RepoRoot()
	opts.manager, opts.logs = filepath.Join(root, "bin", "manager"), filepath.Join(root, "bin", "soak")
	return opts, err
}

// countFrom is a number from 1 on of the environment.
func countFrom(getenv func(string) string, name string, missing int) (int, error) {
	s := getenv(name)
	if s == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s must be a whole number above 0, not %q", name, s)
	}
	return n, nil
}

var errNotYet = errors.New("not yet")

// soak raises a world, plays the rounds, and tells what came of it. The error says if anything went wrong.
func soak(ctx context.Context, opts options, out io.Writer) (r *report, err error) {
	if err := os.MkdirAll(opts.logs, 0o750); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(opts.logs, fmt.Sprintf("seed-%d-", opts.seed))
	if err != nil {
		return nil, err
	}
	told, err := os.Create(filepath.Join(dir, "soak.log")) //nolint:gosec // in the folder made above
	if err != nil {
		return nil, err
	}
	defer told.Close() //nolint:errcheck // the terminal shows the same
	r = newReport(io.MultiWriter(out, told))
	w := &world{opts: opts, dir: dir, report: r, rand: rand.New(rand.NewPCG(opts.seed, 1))}
	r.say("Seed %d", opts.seed)
	begun := time.Now()
	defer func() {
		keep := err != nil || !r.clean()
		err = errors.Join(err, w.clear(keep))
		r.add(duration, int(time.Since(begun).Seconds()))
		r.say("\n%-42s %8d\n%s", "seed", opts.seed, r)
		if err == nil && !r.clean() {
			err = errors.New("something went wrong, see above")
		}
		r.say("The same choices again: %s", opts.again())
		if keep {
			r.say("The logs of the operator, of its writes and of the API server: %s", dir)
		}
	}()
	if err := w.raise(ctx); err != nil {
		return r, err
	}
	return r, w.playAll(ctx)
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
