// SPDX-License-Identifier: Apache-2.0

// Command olm makes a bundle for the Operator Lifecycle Manager of the manifests in config/olm/bundle, and has OLM's own library
// check it. The same manifests and image make the same bundle, byte for byte.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	image := flag.String("image", "", "image of the operator; empty means that of the manifests")
	out := flag.String("out", "dist/bundle", "folder to write the bundle into; what is there goes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, ".", *image, *out)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "olm:", err)
		os.Exit(1)
	}
}

// run makes the bundle of the project at root, and checks what it wrote.
func run(ctx context.Context, root, image, out string) error {
	rendered, err := render(ctx, filepath.Join(root, "config", "olm", "bundle"))
	if err != nil {
		return err
	}
	samples, err := render(ctx, filepath.Join(root, "config", "samples"))
	if err != nil {
		return err
	}
	icon, err := os.ReadFile(filepath.Join(root, "docs", "icon.svg")) //nolint:gosec // a file of the repository
	if err != nil {
		return err
	}
	files, err := bundleOf(rendered, samples, icon, image)
	if err != nil {
		return err
	}
	if err := write(files, out); err != nil {
		return err
	}
	return check(out)
}

// write writes the files of the bundle into a folder that holds nothing else.
func write(files map[string][]byte, out string) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	for name, content := range files {
		file := filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // as any other folder here
			return err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}
