// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const (
	restartPause = 100 * time.Millisecond
	crashPause   = 2 * time.Second // after an end that nobody wanted
	memoryEvery  = time.Second
	stopPatience = 15 * time.Second // then it is ended by force
)

// replica is one replica of the operator, as a Deployment would keep it: a process that is started again whenever it ends.
type replica struct {
	name       string
	binary     string
	kubeconfig string
	dir        string
	proxy      *apiProxy
	report     *report
	// inTrouble reports whether the API server was out of order a moment ago.
	inTrouble func() bool

	cancel context.CancelFunc // nil while it is to be down
	ended  chan struct{}

	mu      sync.Mutex
	process *os.Process // nil while none runs
	killed  bool
	runs    int
}

// start keeps it running until stop.
func (r *replica) start(elect bool) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.ended = cancel, make(chan struct{})
	go func() {
		defer close(r.ended)
		for {
			rest := restartPause
			if !r.once(ctx, elect) {
				rest = crashPause
			}
			if !pause(ctx, rest) {
				return
			}
		}
	}()
}

// stop asks it to end, and waits.
func (r *replica) stop() {
	if r.cancel == nil {
		return
	}
	r.cancel()
	<-r.ended
	r.cancel = nil
}

// kill ends the process the hard way: SIGKILL. It reports whether there was one.
func (r *replica) kill() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil || r.killed {
		return false
	}
	r.killed = true
	r.peak(r.process.Pid)
	if r.process.Kill() != nil {
		return false
	}
	r.report.add(kills, 1)
	return true
}

// run returns the name of the process that runs, or ran last.
func (r *replica) run() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%s#%d", r.name, r.runs)
}

// once runs one process to its end, and reports whether that was wanted.
func (r *replica) once(ctx context.Context, elect bool) bool {
	r.mu.Lock()
	r.runs++
	r.killed = false
	logPath := filepath.Join(r.dir, fmt.Sprintf("operator-%s-%03d.log", r.name, r.runs))
	r.mu.Unlock()
	r.proxy.serve(r.run())
	cmd, err := r.command(ctx, elect, logPath)
	if err != nil {
		if ctx.Err() == nil {
			r.report.wrong(unexpectedExits, "%s did not start: %v", r.run(), err)
		}
		return false
	}
	r.mu.Lock()
	r.process = cmd.Process
	r.mu.Unlock()

	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = r.await(ended, cmd.Process.Pid)
	r.mu.Lock()
	r.process = nil
	wanted := r.killed || ctx.Err() != nil
	r.mu.Unlock()
	r.judge(logPath, err, wanted, elect)
	return wanted
}

// await waits for the end of a process and takes note of its memory meanwhile.
func (r *replica) await(ended <-chan error, pid int) error {
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-ticker.C:
			r.peak(pid)
		}
	}
}

func (r *replica) command(ctx context.Context, elect bool, logPath string) (*exec.Cmd, error) {
	log, err := os.Create(logPath) //nolint:gosec // in the folder that the soak made
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // written by the process, which has it open itself
	cmd := exec.CommandContext(ctx, r.binary,
		"--kubeconfig="+r.kubeconfig,
		"--leader-elect="+strconv.FormatBool(elect),
		"--metrics-bind-address=0",
		"--health-probe-bind-address=0",
		"--receiver-bind-address=0",
	)
	cmd.Stdout, cmd.Stderr = log, log
	// Where the lease is, as a pod knows it.
	cmd.Env = append(os.Environ(), "POD_NAMESPACE="+controlplane.SystemNamespace)
	// A group of its own: the terminal sends Ctrl-C to the whole foreground group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopPatience
	err = cmd.Start()
	return cmd, err
}

// judge says whether a process may have ended like that. One that loses its lease ends itself, and one that finds no API
// server when it starts may do so.
func (r *replica) judge(logPath string, ended error, wanted, elect bool) {
	log, err := os.ReadFile(logPath) //nolint:gosec // in the folder that the soak made
	if err != nil {
		r.report.wrong(unexpectedExits, "%s: %v", r.run(), err)
	}
	var exit *exec.ExitError
	switch {
	case bytes.Contains(log, []byte("panic:")) || bytes.Contains(log, []byte("Observed a panic")):
		r.report.wrong(unexpectedExits, "%s panicked, see %s", r.run(), logPath)
	case wanted:
	case elect && bytes.Contains(log, []byte("leader election lost")):
		r.report.add(leasesLost, 1)
	case errors.As(ended, &exit) && r.inTrouble():
		r.report.add(exits, 1)
	default:
		r.report.wrong(unexpectedExits, "%s: %v, see %s", r.run(), ended, logPath)
	}
}

// peak takes note of the most memory that the process has had.
func (r *replica) peak(pid int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return // it is gone
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if kib, err := strconv.Atoi(strings.Fields(rest)[0]); err == nil {
				r.report.atLeast(memoryPeak, kib)
			}
		}
	}
}
