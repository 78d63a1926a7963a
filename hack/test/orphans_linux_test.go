// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestWhatIsLeftBehindIsEnded: a test binary that dies leaves its API server behind, and that one what it has started itself.
func TestWhatIsLeftBehindIsEnded(t *testing.T) {
	g := NewWithT(t)
	g.Expect(adopt()).To(Succeed())
	dir := t.TempDir()
	// In groups of their own, as the control plane's processes are.
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "set -m; for i in 1 2; do (sleep 600 & echo $! >>pids; wait) & echo $! >>pids; done; kill -KILL $$")
	cmd.Dir = dir
	g.Expect(cmd.Run()).NotTo(Succeed())
	running := func() (pids []string) {
		text, err := os.ReadFile(filepath.Join(dir, "pids"))
		g.Expect(err).NotTo(HaveOccurred())
		for _, pid := range strings.Fields(string(text)) {
			if _, err := os.Stat("/proc/" + pid); err == nil {
				pids = append(pids, pid)
			}
		}
		return pids
	}
	g.Eventually(running, time.Minute).Should(HaveLen(4))
	g.Expect(endOrphans()).To(Equal(4))
	g.Expect(running()).To(BeEmpty())
}
