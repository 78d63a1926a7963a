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
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

const (
	restartPause = 100 * time.Millisecond
	crashPause   = 2 * time.Second // after an end that nobody wanted
	memoryEvery  = time.Second
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
	process *testbed.Operator // nil while none runs
	killed  bool
	runs    int
}

// panics is what the log says of one: of a process, of a reconciler, and of one source's work.
var panics = []string{"panic:", "Observed a panic", "The operator has a fault"}

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
	r.peak(r.process.PID())
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
	process, err := testbed.StartOperator(ctx, testbed.OperatorOptions{
		Binary: r.binary, Kubeconfig: r.kubeconfig, Log: logPath, LeaderElect: elect,
		Env: []string{"POD_NAMESPACE=" + controlplane.SystemNamespace}, // where the lease is, as a pod knows it
	})
	if err != nil {
		if ctx.Err() == nil {
			r.report.wrong(unexpectedExits, "%s did not start: %v", r.run(), err)
		}
		return false
	}
	r.mu.Lock()
	r.process = process
	r.mu.Unlock()

	r.await(process)
	r.mu.Lock()
	r.process = nil
	wanted := r.killed || ctx.Err() != nil
	r.mu.Unlock()
	r.judge(logPath, process.Err(), wanted, elect)
	return wanted
}

// await waits for the end of a process and takes note of its memory meanwhile.
func (r *replica) await(process *testbed.Operator) {
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	for {
		select {
		case <-process.Ended():
			return
		case <-ticker.C:
			r.peak(process.PID())
		}
	}
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
	case slices.ContainsFunc(panics, func(said string) bool { return bytes.Contains(log, []byte(said)) }):
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
