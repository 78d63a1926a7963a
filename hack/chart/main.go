// SPDX-License-Identifier: Apache-2.0

// Command chart writes what the Helm chart takes from config/: the CRDs, and a template for each kind of object, with the few places
// that values change; and a README from values.yaml. The Deployment and what comes with a second replica are written by hand, and a
// test compares them.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const (
	chartDir     = "charts/livepeer-task-operator"
	crdDir       = "files/crds"
	generatedDir = "templates/generated"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root, err := controlplane.RepoRoot()
	if err != nil {
		return err
	}
	files, err := generate(ctx, controlplane.KubectlFor(root), root)
	if err != nil {
		return err
	}
	chart := filepath.Join(root, chartDir)
	for _, dir := range []string{crdDir, generatedDir} { // what is no longer in config/ goes
		if err := os.RemoveAll(filepath.Join(chart, dir)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(chart, dir), 0o755); err != nil { //nolint:gosec // as any other folder here
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(chart, name), files[name], 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}

// generate makes the generated files of the chart, by their paths in it.
func generate(ctx context.Context, kubectl, root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	crds, err := filepath.Glob(filepath.Join(root, "config", "crd", "bases", "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, crd := range crds {
		raw, err := os.ReadFile(crd) //nolint:gosec // a file of the repository
		if err != nil {
			return nil, err
		}
		files[filepath.Join(crdDir, filepath.Base(crd))] = raw
	}
	values, err := os.ReadFile(filepath.Join(root, chartDir, "values.yaml")) //nolint:gosec // a file of the repository
	if err != nil {
		return nil, err
	}
	if files["README.md"], err = readme(values); err != nil {
		return nil, fmt.Errorf("values.yaml: %w", err)
	}
	for dir, wrap := range map[string]wrapper{"default": always, "prometheus": withPrometheus, "grafana": withDashboard} {
		cmd := exec.CommandContext(ctx, kubectl, "kustomize", filepath.Join(root, "config", dir))
		rendered, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("render config/%s: %w", dir, err)
		}
		byKind, err := templates(rendered, wrap)
		if err != nil {
			return nil, fmt.Errorf("config/%s: %w", dir, err)
		}
		for kind, template := range byKind {
			files[filepath.Join(generatedDir, dir+"-"+kind+".yaml")] = template
		}
	}
	return files, nil
}
