// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// signalManager sends the operator a signal. The pod's containers share their processes, and their user.
func signalManager(name string) error {
	sent, known := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}[name]
	if !known {
		return fmt.Errorf("no signal %s", name)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, file := range commands {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.HasPrefix(line, []byte("/manager\x00")) {
			continue // some other process, or one that has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return err
		}
		return syscall.Kill(pid, sent)
	}
	return fmt.Errorf("no process is the operator's")
}
