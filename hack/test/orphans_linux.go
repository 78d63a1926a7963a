// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// adopt makes this process the parent of what its children leave behind. A test that panics, or is interrupted, can't end its API
// server, which would run on for ever.
func adopt() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// endOrphans ends what was left behind, once all that was started is through, and reports how many processes that were.
func endOrphans() (ended int, err error) {
	for {
		orphans := children(os.Getpid())
		if len(orphans) == 0 {
			return ended, err
		}
		for _, pid := range orphans {
			failed := unix.Kill(pid, unix.SIGKILL)
			if _, waited := unix.Wait4(pid, nil, 0, nil); errors.Join(failed, waited) != nil {
				return ended, errors.Join(err, failed, waited)
			}
			ended++
		}
	}
}

// children are the processes whose parent that is.
func children(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, stat := range stats {
		text, err := os.ReadFile(stat) //nolint:gosec // of the pattern above
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent ...; a name may hold blanks and brackets.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
