// SPDX-License-Identifier: Apache-2.0

// Command go-app follows LivepeerTasks. docs/app-developers.md explains it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, args []string, to io.Writer) error {
	switch {
	case len(args) == 2 && args[1] == "failures":
		return failures(ctx, args[0], to)
	case len(args) == 2 && args[1] == "completions":
		return completions(ctx, args[0], to)
	case len(args) == 3 && args[1] == "wait":
		return wait(ctx, args[0], args[2], to)
	default:
		return errors.New("usage: go-app <namespace> failures|completions|wait <asset ID>")
	}
}
