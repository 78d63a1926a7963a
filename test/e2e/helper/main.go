// SPDX-License-Identifier: Apache-2.0

// Command helper runs in pods of the end-to-end tests, where no shell is. "helper relay" stands beside the operator: all
// that the operator says to the API server goes through it, and it can cut the line or send the operator a signal. "helper
// get" asks for a URL as a pod would.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "helper:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "relay":
		return serveRelay(ctx, args[1], args[2])
	case len(args) == 2 && args[0] == "get":
		return get(ctx, args[1], os.Stdout)
	default:
		return errors.New("usage: helper relay LISTEN CONTROL | helper get URL")
	}
}
