// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// The quick form of the soak: each kind of trouble once. A run that went wrong leaves its logs, and says how to repeat it.
func TestMirrorIsExactAfterCrashesAndFaults(t *testing.T) {
	g := NewWithT(t)
	out := &bytes.Buffer{}
	root, err := controlplane.RepoRoot()
	g.Expect(err).NotTo(HaveOccurred())
	manager, err := controlplane.ManagerFor(t.Context(), t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	opts := options{seed: 1, manager: manager, logs: filepath.Join(root, "bin", "soak")}

	_, err = soak(t.Context(), opts.quick(), io.MultiWriter(out, t.Output()))

	g.Expect(err).NotTo(HaveOccurred())
	for _, figure := range []string{
		"rounds +5", "operations in Studio +[1-9]", "faults injected: API server +[1-9]", "faults injected: Studio +[1-9]",
		"kills of the operator +[5-7]", "API server restarts +1", "leader changes +[3-9]", "leases lost by a running leader +[1-9]",
		"tasks compared +[1-9][0-9]{2,}", "differences +0", "wrong deletions +0", "doubled objects +0", "writes after a lost lease +0",
	} {
		g.Expect(out.String()).To(MatchRegexp("(?m)^" + figure))
	}
}
