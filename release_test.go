// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// script writes a program that a test has make run.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	NewWithT(t).Expect(os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700)).To(Succeed())
	return path
}

func makes(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "make", append([]string{"-s"}, args...)...).CombinedOutput()
	return string(out), err
}

// TestAScanThatCouldNotRunIsNoScan where one is required, as for a release. Elsewhere it says so. One that finds something always fails.
func TestAScanThatCouldNotRunIsNoScan(t *testing.T) {
	g := NewWithT(t)
	for text, c := range map[string]struct {
		says            string
		passes, skipped bool
	}{
		`echo "No vulnerabilities found with $GOTOOLCHAIN"`:                             {says: "found with go1.", passes: true},
		`echo "govulncheck: fetching vulnerabilities: Get ...: no such host"; exit 1`:   {says: "fetching", skipped: true},
		`echo "go: download go1.26.8 for linux/amd64: toolchain not available"; exit 1`: {says: "download", skipped: true},
		`echo "Vulnerability #1: GO-2026-1"; exit 3`:                                    {says: "GO-2026-1"},
	} {
		scan := "GOVULNCHECK=" + script(t, text)
		out, err := makes(t, "vulncheck", scan)
		g.Expect(err == nil).To(Equal(c.passes || c.skipped), out)
		g.Expect(strings.Contains(out, "SKIPPED")).To(Equal(c.skipped), out)
		out, err = makes(t, "vulncheck", scan, "VULNCHECK=required")
		g.Expect(err == nil).To(Equal(c.passes), out)
		g.Expect(out).To(ContainSubstring(c.says))
	}
}

// TestBaseImagesHaveDigests that were looked up, or there are none.
func TestBaseImagesHaveDigests(t *testing.T) {
	g := NewWithT(t)
	digest := "sha256:" + strings.Repeat("0a", 32)
	out, err := makes(t, "base-digests", "CONTAINER_TOOL="+script(t, `test "$1 $2 $3" = "buildx imagetools inspect" && echo `+digest))
	g.Expect(err).NotTo(HaveOccurred(), out)
	g.Expect(strings.Fields(out)).To(ConsistOf(MatchRegexp("^BUILDER=golang:1[0-9.]+@"+digest+"$"), MatchRegexp("^BASE=gcr.io/distroless/.+@"+digest+"$")))
	for _, none := range []string{"echo latest", "exit 1", "true", "echo sha256:abc", "echo error >&2; exit 1"} {
		out, err := makes(t, "base-digests", "CONTAINER_TOOL="+script(t, none))
		g.Expect(err).To(HaveOccurred(), out)
		g.Expect(out).NotTo(ContainSubstring("@"), none)
	}
}
