// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of the times in /proc; Linux has used 100 a second everywhere for long.
const clockTick = 10 * time.Millisecond

// cpuTime returns the CPU time that a process has used.
func cpuTime(pid int) (time.Duration, error) {
	fields, err := statFields(pid)
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, i := range []int{11, 12} { // utime and stime, counted from the state
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * clockTick, nil
}

// statFields returns /proc/PID/stat from the state on: the name before it may hold spaces.
func statFields(pid int) ([]string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return nil, fmt.Errorf("/proc/%d/stat says %q", pid, stat)
	}
	return fields, nil
}

// ownCPU returns the CPU time of this process: the simulated Studio and the observers.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// peakMemory returns, in MiB, the most memory that a process had since resetPeak.
func peakMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for text := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(text, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kib) / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
}

// resetPeak lets VmHWM begin anew, so that each phase has a peak of its own.
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// child finds the process of that name that this one has started.
func child(name string) (int, error) {
	found, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return 0, err
	}
	for _, path := range found {
		comm, err := os.ReadFile(path) //nolint:gosec // of /proc
		if err != nil || strings.TrimSpace(string(comm)) != name {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return 0, err
		}
		if fields, err := statFields(pid); err == nil && fields[1] == strconv.Itoa(os.Getpid()) {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no process %s was started here", name)
}

// usage is CPU time by who used it.
type usage struct {
	operator, apiServer, etcd, bench time.Duration
}

func (u usage) total() time.Duration { return u.operator + u.apiServer + u.etcd + u.bench }

func (u usage) since(before usage) usage {
	return usage{
		operator: u.operator - before.operator, apiServer: u.apiServer - before.apiServer,
		etcd: u.etcd - before.etcd, bench: u.bench - before.bench,
	}
}
