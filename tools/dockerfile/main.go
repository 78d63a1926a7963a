// SPDX-License-Identifier: Apache-2.0

// Command dockerfile checks Dockerfiles with the rules of docker build --check, and builds the image of a simple one (a
// static Go binary on a distroless base) where there is no container engine, by taking the same steps.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

const usage = "usage: dockerfile lint FILE... | " +
	"dockerfile build -f FILE -t NAME -o TAR [-platform OS/ARCH[,OS/ARCH]] [-build-arg K=V] [-keep FOLDER] CONTEXT"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dockerfile:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New(usage)
	}
	switch args[0] {
	case "lint":
		return lintAll(ctx, args[1:], os.Stdout)
	case "build":
		return buildImage(ctx, args[1:])
	default:
		return errors.New(usage)
	}
}

// buildImage takes the steps of a Dockerfile and writes the image that they make.
func buildImage(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	file := flags.String("f", "Dockerfile", "the Dockerfile")
	name := flags.String("t", "", "name and tag of the image")
	out := flags.String("o", "", "archive to write, as docker load takes it")
	platform := flags.String("platform", "linux/amd64", "operating system and architecture; several, comma separated, make an OCI archive")
	keep := flags.String("keep", "", "folder to put the files of the last stage into as well")
	given := map[string]string{}
	flags.Func("build-arg", "value of an ARG", func(s string) error {
		key, value, found := strings.Cut(s, "=")
		if !found {
			return fmt.Errorf("%s is not K=V", s)
		}
		given[key] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *name == "" || *out == "" || flags.NArg() != 1 {
		return errors.New(usage)
	}
	root, err := os.MkdirTemp("", "dockerfile-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(root) }() // what is left in the temporary folder harms nobody
	var images []*image
	for platform := range strings.SplitSeq(*platform, ",") {
		goos, arch, found := strings.Cut(platform, "/")
		if !found {
			return errors.New(usage)
		}
		given["TARGETOS"], given["TARGETARCH"] = goos, arch
		b := &builder{context: flags.Arg(0), root: filepath.Join(root, goos+"-"+arch), args: given}
		made, err := b.build(ctx, *file)
		if err != nil {
			return fmt.Errorf("%s: %w", *file, err)
		}
		made.Name, made.OS, made.Architecture = *name, goos, arch
		images = append(images, made)
	}
	if *keep != "" {
		for path, from := range images[0].Files {
			if err := copyFile(from, filepath.Join(*keep, path)); err != nil {
				return err
			}
		}
	}
	if len(images) == 1 {
		return images[0].save(*out)
	}
	digest, err := saveOCI(*out, *name, images)
	if err != nil {
		return err
	}
	_, err = fmt.Println(digest)
	return err
}
