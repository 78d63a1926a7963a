// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// builder takes the steps of a Dockerfile in a folder: each stage has its files below root/<stage>. It knows the few
// instructions that such an image needs, and refuses every other.
type builder struct {
	context string
	root    string
	args    map[string]string // what was given for ARG
	ignore  *patternmatcher.PatternMatcher
}

// stage is how far one stage has come.
type stage struct {
	dir     string // its root
	workdir string
	vars    map[string]string // ARG and ENV
	image   image
}

func (b *builder) build(ctx context.Context, file string) (*image, error) {
	text, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = text.Close() }() // it was only read
	parsed, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	if b.ignore, err = ignored(b.context, file); err != nil {
		return nil, err
	}
	var last *stage
	for i := range stages {
		last = &stage{dir: filepath.Join(b.root, stages[i].Name), workdir: "/", vars: map[string]string{}}
		last.image = image{Files: map[string]string{}, Labels: map[string]string{}, Bare: stages[i].BaseName == "scratch"}
		for _, command := range stages[i].Commands {
			if err := b.step(ctx, last, command); err != nil {
				return nil, fmt.Errorf("line %d: %w", command.Location()[0].Start.Line, err)
			}
		}
	}
	return &last.image, nil
}

func (b *builder) step(ctx context.Context, s *stage, command instructions.Command) error {
	switch c := command.(type) {
	case *instructions.ArgCommand:
		for _, arg := range c.Args {
			if value, given := b.args[arg.Key]; given {
				s.vars[arg.Key] = value
			} else if arg.Value != nil {
				s.vars[arg.Key] = *arg.Value
			}
		}
	case *instructions.WorkdirCommand:
		s.workdir = path.Join(s.workdir, c.Path)
	case *instructions.CopyCommand:
		return b.copy(s, c)
	case *instructions.RunCommand:
		return shell(ctx, s, strings.Join(c.CmdLine, " "))
	case *instructions.LabelCommand:
		for _, label := range c.Labels {
			s.image.Labels[s.expand(label.Key)] = s.expand(label.Value)
		}
	case *instructions.UserCommand:
		s.image.User = s.expand(c.User)
	case *instructions.EntrypointCommand:
		if c.PrependShell {
			return errors.New("ENTRYPOINT needs a shell, and the image has none: write it as a JSON array")
		}
		s.image.Entrypoint = c.CmdLine
	default:
		return fmt.Errorf("%s can't be built without an engine", command.Name())
	}
	return nil
}

// expand puts values for variables. A label comes with its quotes.
func (s *stage) expand(text string) string {
	return os.Expand(strings.Trim(text, `"`), func(name string) string { return s.vars[name] })
}

// shell runs a command as RUN does, save that it sees the whole machine: its mounts are caches only, and the machine has
// caches of its own.
func shell(ctx context.Context, s *stage, command string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir = filepath.Join(s.dir, s.workdir)
	cmd.Env = os.Environ()
	for key, value := range s.vars {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// copy copies from the context, as far as it is not ignored, or from an earlier stage.
func (b *builder) copy(s *stage, c *instructions.CopyCommand) error {
	for _, source := range c.SourcePaths {
		to := c.DestPath
		if strings.HasSuffix(to, "/") && path.Ext(source) != "" {
			to += path.Base(source) // a file into a folder; a folder's content goes there
		}
		if c.From != "" {
			from := filepath.Join(b.root, c.From, source)
			s.image.Files[to] = from
			if _, err := os.Stat(from); err != nil {
				return err
			}
			continue
		}
		if err := b.copyContext(s, source, path.Join(s.workdir, to)); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) copyContext(s *stage, source, to string) error {
	copied := 0
	from := filepath.Join(b.context, source)
	err := filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(b.context, file)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		ignored, err := b.ignore.MatchesOrParentMatches(name)
		if err != nil || ignored {
			return err
		}
		copied++
		there := filepath.Join(s.dir, to, inside)
		s.image.Files[path.Join(to, filepath.ToSlash(inside))] = there
		return copyFile(file, there)
	})
	if err == nil && copied == 0 {
		return fmt.Errorf("%s is not in the build context: see .dockerignore", source)
	}
	return err
}

// ignored reads what the context leaves out: the Dockerfile's own list where it has one, else the context's.
func ignored(context, dockerfile string) (*patternmatcher.PatternMatcher, error) {
	file, err := os.Open(dockerfile + ".dockerignore")
	if errors.Is(err, fs.ErrNotExist) {
		file, err = os.Open(filepath.Join(context, ".dockerignore"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return patternmatcher.New(nil)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}
