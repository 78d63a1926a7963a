// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	module = "github.com/livepeer/livepeer-task-operator/"
	// quiet is for how long nothing may be said.
	quiet = 20 * time.Second
	// A package that takes longer hangs.
	timeout = "30m"
)

// test runs what is planned, and reports whether all of it passed.
func test(ctx context.Context, out io.Writer) (passed bool, err error) {
	root, err := os.Getwd()
	if err != nil {
		return false, err
	}
	lanes, err := plan(ctx, root)
	if err != nil {
		return false, err
	}
	logs := filepath.Join(root, "bin", "test")
	if err := errors.Join(os.RemoveAll(logs), os.MkdirAll(logs, 0o750)); err != nil {
		return false, err
	}
	total := 0
	for _, lane := range lanes {
		for i := range lane {
			total += len(lane[i].packages)
		}
	}
	p := newProgress(out, logs, total, time.Now)
	fmt.Fprintf(out, "Testing %d packages ...\n", total)
	err = runAll(ctx, lanes, p)
	return p.summary() && err == nil, err
}

// runAll runs the lanes side by side. What fails in one ends nothing.
func runAll(ctx context.Context, lanes [][]command, p *progress) error {
	done := make(chan struct{})
	var reminder, running sync.WaitGroup
	reminder.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.remind()
			case <-done:
				return
			}
		}
	})
	errs := make([]error, len(lanes))
	for i, lane := range lanes {
		running.Go(func() {
			for j := range lane {
				errs[i] = errors.Join(errs[i], lane[j].run(ctx, p))
			}
		})
	}
	running.Wait()
	close(done)
	reminder.Wait()
	return errors.Join(errs...)
}

// rapidSeed is the variable that property tests take their first seed from; they choose one where it is not set.
const rapidSeed = "RAPID_SEED"

// run calls go test. That tests fail is no error.
func (c *command) run(ctx context.Context, p *progress) error {
	// The linters vet more, and the same code. A quarter to a half of what a linker does is for debuggers.
	args := []string{"test", "-json", "-count=1", "-vet=off", "-ldflags=-w", "-timeout=" + timeout}
	label, cgo := "", "0"
	if c.race {
		args, cgo = append(args, "-race"), "1"
	}
	if c.again {
		label = " (without the race detector)"
	}
	if len(c.tests) > 0 {
		args = append(args, "-run=^("+strings.Join(c.tests, "|")+")$")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, c.packages...)...)
	// A third of what an API server and a compiler do is to collect garbage; there is memory to do it later. The race detector waits for
	// a second at the end of each package otherwise, in case that another thread has something to report.
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), "CGO_ENABLED="+cgo, "GOGC=300", "GOMEMLIMIT=2GiB",
		"GORACE=atexit_sleep_ms=20 "+os.Getenv("GORACE"))
	if os.Getenv(rapidSeed) == "" {
		// Each run tries the same, so that what fails is what was changed. make fuzz and go test itself draw anew.
		cmd.Env = append(cmd.Env, rapidSeed+"=1")
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	failed, readErr := follow(stdout, label, p)
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && failed && ctx.Err() == nil {
		err = nil // p knows
	}
	if err = errors.Join(readErr, err); err != nil {
		return fmt.Errorf("go test in %s: %w: %s", c.dir, err, stderr.Bytes())
	}
	return nil
}

// follow hands on what go test says, and reports whether a package failed.
func follow(lines io.Reader, label string, p *progress) (failed bool, err error) {
	reader := bufio.NewReader(lines)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return failed, nil
		}
		if err != nil {
			return failed, err
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			continue // what go itself prints is on stderr
		}
		failed = failed || e.Action == "fail"
		if err := p.take(label, &e); err != nil {
			return failed, err
		}
	}
}
