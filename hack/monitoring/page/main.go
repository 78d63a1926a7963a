// SPDX-License-Identifier: Apache-2.0

// Command page writes docs/metrics.md from what internal/metrics defines and config/prometheus alerts about.
package main

import (
	"fmt"
	"os"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/monitoring"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "metrics page:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := controlplane.RepoRoot()
	if err != nil {
		return err
	}
	page, err := monitoring.Page(root)
	if err != nil {
		return err
	}
	return os.WriteFile(monitoring.PageFile(root), page, 0o644) //nolint:gosec // a page for everybody to read
}
