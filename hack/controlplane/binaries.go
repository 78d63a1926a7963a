// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// MissingBinaryError says that a binary of the control plane is not where it should be.
type MissingBinaryError struct {
	// Path is where it was looked for.
	Path string
}

func (e *MissingBinaryError) Error() string {
	return fmt.Sprintf("%s is missing: build the control plane with make controlplane, once", e.Path)
}

type binaries struct {
	apiServer, etcd, kubectl string
}

// assets is the folder of the binaries, for the repository at root.
func assets(root string) string {
	return cmp.Or(os.Getenv("KUBEBUILDER_ASSETS"), filepath.Join(root, "bin", "controlplane"))
}

func findBinaries(root string) (binaries, error) {
	dir := assets(root)
	bin := binaries{
		apiServer: filepath.Join(dir, "kube-apiserver"),
		etcd:      filepath.Join(dir, "etcd"),
		kubectl:   filepath.Join(dir, "kubectl"),
	}
	for _, path := range []string{bin.apiServer, bin.etcd} {
		if !isFile(path) {
			return binaries{}, &MissingBinaryError{Path: path}
		}
	}
	if isFile(bin.kubectl) {
		return bin, nil
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		return binaries{}, &MissingBinaryError{Path: bin.kubectl}
	}
	bin.kubectl = kubectl
	return bin, nil
}

// RepoRoot returns the top folder of the project, which is the working directory or above it. Modules below it have a go.mod
// as well.
func RepoRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if isFile(filepath.Join(dir, "PROJECT")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no PROJECT in the working directory or above it: run this inside the repository")
		}
		dir = parent
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// KubectlFor is the kubectl to use in the repository at root: the one that KUBECTL or KUBEBUILDER_ASSETS name, else that of the
// control plane, else any.
func KubectlFor(root string) string {
	if path := os.Getenv("KUBECTL"); path != "" {
		return path
	}
	if path, err := exec.LookPath(filepath.Join(assets(root), "kubectl")); err == nil {
		return path
	}
	return "kubectl"
}

// ManagerFor is the operator's binary for a test: the one that TEST_MANAGER names, which make test has built, else one that is built into
// dir as make build does.
func ManagerFor(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("TEST_MANAGER"); path != "" {
		return path, nil
	}
	root, err := RepoRoot()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "make", "-C", root, "build", "BIN="+dir, "VERSION=test").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the operator: %w: %s", err, bytes.TrimSpace(out))
	}
	return filepath.Join(dir, "manager"), nil
}
