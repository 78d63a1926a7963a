// SPDX-License-Identifier: Apache-2.0

// Package krew_test has krew itself look at the manifest of the kubectl plugin.
package krew_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func run(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestKrewTakesTheManifest(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	for _, file := range []string{
		"darwin-amd64/kubectl-livepeer", "darwin-arm64/kubectl-livepeer", "linux-amd64/kubectl-livepeer", "linux-arm64/kubectl-livepeer",
		"windows-amd64/kubectl-livepeer.exe",
	} {
		path := filepath.Join(in, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, err := run(t, "../..", "run", "./hack/plugin", "-version", "v1.2.3", "-binaries", in, "-out", out); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	manifest := filepath.Join(out, "livepeer.yaml")
	// Installing would fetch what is not released yet.
	if said, err := run(t, ".", "tool", "validate-krew-manifest", "-manifest", manifest, "-skip-install"); err != nil {
		t.Fatalf("%v: %s", err, said)
	}

	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, []byte(strings.Replace(string(text), "version: v1.2.3", "version: 1.2.x", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := run(t, ".", "tool", "validate-krew-manifest", "-manifest", manifest, "-skip-install"); err == nil {
		t.Errorf("krew takes anything: %s", said)
	}
}
