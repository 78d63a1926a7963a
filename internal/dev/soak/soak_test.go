// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/internal/dev/controlplane"
)

// The quick form of the soak: each kind of trouble once.
func TestMirrorIsExactAfterCrashesAndFaults(t *testing.T) {
	g := NewWithT(t)
	out := &bytes.Buffer{}

	err := soak(t.Context(), options{
		seed: 1, manager: buildManager(t), tasks: 160, kills: 3,
		rounds: []round{
			{disturbance: "kills in the first sync"},
			{disturbance: "kills in steady change", api: 0.1, studio: 0.3, people: true},
			{disturbance: "API server restart", studio: 0.3},
			{disturbance: "leader killed", studio: 0.2, people: true},
			{disturbance: "leases out of reach of the leader", api: 0.05},
		},
	}, io.MultiWriter(out, t.Output()))

	g.Expect(err).NotTo(HaveOccurred())
	for _, figure := range []string{
		"rounds +5", "operations in Studio +[1-9]", "faults injected: API server +[1-9]", "faults injected: Studio +[1-9]",
		"kills of the operator +[5-7]", "API server restarts +1", "leader changes +[3-9]", "leases lost by a running leader +[1-9]",
		"tasks compared +[1-9][0-9]{2,}", "differences +0", "wrong deletions +0", "doubled objects +0", "writes after a lost lease +0",
	} {
		g.Expect(out.String()).To(MatchRegexp("(?m)^" + figure))
	}
}

func buildManager(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	root, err := controlplane.RepoRoot()
	g.Expect(err).NotTo(HaveOccurred())
	binary := filepath.Join(t.TempDir(), "manager")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-C", root, "-o", binary, ".").CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", out)
	return binary
}
