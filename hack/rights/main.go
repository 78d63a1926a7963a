// SPDX-License-Identifier: Apache-2.0

// Command rights writes docs/rights.md: every right in the manifests of config/, and why it is needed.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "rights:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root, err := controlplane.RepoRoot()
	if err != nil {
		return err
	}
	page, err := page(ctx, controlplane.KubectlFor(root), root)
	if err != nil {
		return err
	}
	return os.WriteFile(pageFile(root), page, 0o644) //nolint:gosec // a page for everybody to read
}

func pageFile(root string) string { return filepath.Join(root, "docs", "rights.md") }
