// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// lintAll says on out what docker build --check would warn of, and fails where it warns.
func lintAll(ctx context.Context, files []string, out io.Writer) error {
	warned := false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		found, err := lint(ctx, file, text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, warning := range found {
			warned = true
			fmt.Fprintln(out, warning)
		}
	}
	if warned {
		return errors.New("the rules are explained at https://docs.docker.com/reference/build-checks/")
	}
	return nil
}

func lint(ctx context.Context, file string, text []byte) ([]string, error) {
	source := llb.NewSourceMap(nil, file, "Dockerfile", text)
	source.Definition = &llb.Definition{} // an empty one: a nil one is not expected
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: map[string]string{"TARGETOS": "linux", "TARGETARCH": "amd64"}},
		MetaResolver: anyBase{},
		SourceMap:    source,
	})
	if err != nil {
		return nil, err
	}
	if results.Error != nil {
		return nil, errors.New(results.Error.Message)
	}
	found := make([]string, 0, len(results.Warnings))
	for _, w := range results.Warnings {
		found = append(found, fmt.Sprintf("%s:%d: %s: %s", file, line(w.Location), w.RuleName, w.Detail))
	}
	return found, nil
}

func line(at *pb.Location) int32 {
	if at == nil || len(at.Ranges) == 0 {
		return 1
	}
	return at.Ranges[0].Start.Line
}

// anyBase stands for a registry that has every base image, so that none is asked.
type anyBase struct{}

func (anyBase) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := `{"os": "linux", "architecture": "amd64"}`
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		config = fmt.Sprintf(`{"os": %q, "architecture": %q}`, opt.ImageOpt.Platform.OS, opt.ImageOpt.Platform.Architecture)
	}
	return ref, digest.FromString(config), []byte(config), nil
}
