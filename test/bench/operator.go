// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// operator is bin/manager at work.
type operator struct {
	pid     int
	probe   string
	hooks   string // where it receives webhooks
	started time.Time
	cancel  context.CancelFunc
	// ended is closed once the process is gone; err says how, from then on.
	ended chan struct{}
	err   error
}

func startOperator(ctx context.Context, binary, kubeconfig, logPath string) (*operator, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // in the folder of the stage
	if err != nil {
		return nil, err
	}
	probe, err := freeAddress(ctx)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	hooks, err := freeAddress(ctx)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(own, binary,
		"--kubeconfig="+kubeconfig,
		"--leader-elect=false",
		"--metrics-bind-address=0",
		"--health-probe-bind-address="+probe,
		"--receiver-bind-address="+hooks,
	)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=450MiB") // as config/manager has it
	// A group of its own: the terminal sends Ctrl-C to the whole foreground group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	o := &operator{probe: probe, hooks: hooks, started: time.Now(), cancel: cancel, ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("start the operator: %w", err), log.Close())
	}
	o.pid = cmd.Process.Pid
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

// ready waits until the operator says that it is.
func (o *operator) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return every(ctx, 10*time.Millisecond, func() (bool, error) {
		select {
		case <-o.ended:
			return false, fmt.Errorf("the operator ended: %w", o.err)
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.probe+"/readyz", http.NoBody)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // it does not listen yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// every asks until the answer is yes.
func every(ctx context.Context, pause time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
