// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// stopPatience is how long the operator may take to end.
const stopPatience = 15 * time.Second

// OperatorOptions say how the operator runs. Its metrics are not served.
type OperatorOptions struct {
	Binary     string
	Kubeconfig string
	// Log is the file that its output is added to.
	Log string
	// LeaderElect makes it wait for a lease.
	LeaderElect bool
	// Probes and Receiver are addresses to listen on; empty: none.
	Probes, Receiver string
	// Env is added to this process's own.
	Env []string
}

// Operator is a process of the operator.
type Operator struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

// StartOperator starts a process that runs until ctx ends or Stop.
func StartOperator(ctx context.Context, opts OperatorOptions) (*Operator, error) {
	log, err := os.OpenFile(opts.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // written by the process, which has it open itself
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, opts.Binary,
		"--kubeconfig="+opts.Kubeconfig,
		"--leader-elect="+strconv.FormatBool(opts.LeaderElect),
		"--metrics-bind-address=0",
		"--health-probe-bind-address="+cmp.Or(opts.Probes, "0"),
		"--receiver-bind-address="+cmp.Or(opts.Receiver, "0"),
	)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), opts.Env...)
	// A group of its own: the terminal sends Ctrl-C to the whole foreground group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopPatience
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start the operator: %w", err)
	}
	o := &Operator{cmd: cmd, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(o.ended)
		defer cancel()
		if o.err = cmd.Wait(); o.err == nil {
			o.err = errors.New("exit status 0")
		}
	}()
	return o, nil
}

// Stop asks the process to end, ends it by force when its time is over, and waits.
func (o *Operator) Stop() {
	o.cancel()
	<-o.ended
}

// Kill ends the process by SIGKILL, and does not wait.
func (o *Operator) Kill() error { return o.cmd.Process.Kill() }

// PID is that of the process.
func (o *Operator) PID() int { return o.cmd.Process.Pid }

// Ended is closed once the process is gone.
func (o *Operator) Ended() <-chan struct{} { return o.ended }

// Err waits for the end of the process, and says how it ended. It is never nil.
func (o *Operator) Err() error {
	<-o.ended
	return o.err
}
