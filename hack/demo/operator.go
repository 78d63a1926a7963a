// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// operator is bin/manager at work.
type operator struct {
	cancel context.CancelFunc
	// ended is closed once the process is gone; err says how, from then on.
	ended chan struct{}
	err   error
}

// startOperator runs until stop: Ctrl-C reaches it only through stop, so that what it does last still finds the others.
func startOperator(binary, kubeconfig, receiver, logPath string) (*operator, error) {
	log, err := os.Create(logPath) //nolint:gosec // in the folder that the demonstration made
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary,
		"--kubeconfig="+kubeconfig,
		"--leader-elect=false",
		"--metrics-bind-address=0",
		"--health-probe-bind-address=0",
		"--receiver-bind-address="+receiver,
	)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: the terminal sends Ctrl-C to the whole foreground group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start the operator: %w", err)
	}

	o := &operator{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(o.ended)
		defer log.Close() //nolint:errcheck // written by the process, not here
		if o.err = cmd.Wait(); o.err == nil {
			o.err = errors.New("exit status 0")
		}
	}()
	return o, nil
}

// stop asks the process to end, ends it by force after 10 seconds, and waits.
func (o *operator) stop() {
	o.cancel()
	<-o.ended
}
