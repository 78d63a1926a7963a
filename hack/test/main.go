// SPDX-License-Identifier: Apache-2.0

// Command test runs every test of the project, as make test does: what plan says, with a line for each package that is through.
// What failed is printed in full at the end. Its exit status is 0 only if every package passed.
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
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := adopt()
	passed, failed := test(ctx, os.Stdout)
	ended, orphans := endOrphans()
	if ended > 0 {
		fmt.Printf("Ended %d processes that tests have left behind.\n", ended)
	}
	if err = errors.Join(err, failed, orphans); err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
	}
	if err != nil || !passed {
		return 1
	}
	return 0
}
