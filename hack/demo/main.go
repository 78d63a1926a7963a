// SPDX-License-Identifier: Apache-2.0

// Command demo shows the operator at work: it starts a control plane and a simulated Studio on loopback, runs the
// operator as a process of its own under its own service account's rights, and prints what kubectl sees. It is told what
// to do by the environment: DEMO_SECONDS ends it after that time, LIVEPEER_API_KEY mirrors a real account. Its exit
// status is 0 only if tasks were mirrored.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

type options struct {
	// apiKey of a real account; empty: the simulated Studio.
	apiKey string
	// duration of the show; 0: until interrupted.
	duration time.Duration
	// manager is the operator's binary; empty: bin/manager.
	manager string
}

func main() {
	os.Exit(run())
}

func run() int {
	// Interrupts stay caught to the end: an impatient second Ctrl-C must not leave processes behind.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// The libraries' own logs would tear up the picture.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())

	opts, err := optionsFrom(os.Getenv)
	if err == nil {
		// No process that is started from here needs to know it.
		err = os.Unsetenv("LIVEPEER_API_KEY")
	}
	if err == nil {
		err = demonstrate(ctx, opts, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	return 0
}

func optionsFrom(getenv func(string) string) (options, error) {
	opts := options{apiKey: getenv("LIVEPEER_API_KEY")}
	if s := getenv("DEMO_SECONDS"); s != "" {
		seconds, err := strconv.Atoi(s)
		if err != nil || seconds < 1 {
			return options{}, fmt.Errorf("DEMO_SECONDS must be a whole number of seconds above 0, not %q", s)
		}
		opts.duration = time.Duration(seconds) * time.Second
	}
	return opts, nil
}

// demonstrate prepares the stage, shows, and clears up whatever happens.
func demonstrate(ctx context.Context, opts options, out *os.File) (err error) {
	dir, err := os.MkdirTemp("", "livepeer-demo-")
	if err != nil {
		return err
	}
	s := &stage{dir: dir, out: out}
	defer func() { err = errors.Join(err, s.clear()) }()

	if err := s.raise(ctx, opts); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted before the operator ran")
		}
		return err
	}
	if opts.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.duration)
		defer cancel()
	}
	showErr := s.show(ctx)

	// The numbers are asked for after the interrupt that ended the show.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	result, err := s.result(ctx)
	if err != nil {
		return errors.Join(showErr, err)
	}
	fmt.Fprintf(out, "\n%s\nThe operator's log: %s\n", result, s.operatorLog())
	if showErr == nil && result.mirrored() == 0 {
		showErr = fmt.Errorf("no task was mirrored; the source says: %s", s.sourceMessage(ctx))
	}
	return showErr
}
