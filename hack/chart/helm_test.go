// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const release = "livepeer-task-operator"

// builtHelm builds Helm where that was not done yet: it takes minutes, and no other test needs it.
var builtHelm = sync.OnceValue(func() error {
	root, err := controlplane.RepoRoot()
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(context.Background(), "make", "-C", root, "helm").CombinedOutput(); err != nil {
		return fmt.Errorf("make helm: %w: %s", err, out)
	}
	return nil
})

// helm runs the real Helm, with folders of its own.
func helm(ctx context.Context, t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := rootOf(t)
	NewWithT(t).Expect(builtHelm()).To(Succeed())
	binary := filepath.Join(root, "bin", "helm")
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("helm %s: %w: %s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// chart renders the chart as a user does, by key, without what only helm test makes.
func chart(t *testing.T, args ...string) objects {
	t.Helper()
	out, err := helm(t.Context(), t, append([]string{"template", release, chartDir, "--skip-tests", "--namespace", namespace}, args...)...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return parse(t, out)
}

// kustomization renders a folder of config/, by key.
func kustomization(t *testing.T, dir string) objects {
	t.Helper()
	root := rootOf(t)
	out, err := exec.CommandContext(t.Context(), controlplane.KubectlFor(root), "kustomize", filepath.Join(root, dir)).Output()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return parse(t, string(out))
}

// objects are manifests by kind, namespace and name.
type objects map[string]*unstructured.Unstructured

func parse(t *testing.T, manifests string) objects {
	t.Helper()
	g := NewWithT(t)
	found := objects{}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifests), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return found
		}
		g.Expect(err).NotTo(HaveOccurred())
		if len(object.Object) == 0 {
			continue
		}
		key := strings.Join([]string{object.GetKind(), object.GetNamespace(), object.GetName()}, " ")
		g.Expect(found).NotTo(HaveKey(key), "twice")
		found[key] = object
	}
}

// only is the one object of a kind.
func (o objects) only(t *testing.T, kind string) *unstructured.Unstructured {
	t.Helper()
	found := o.of(kind)
	NewWithT(t).Expect(found).To(HaveLen(1), kind)
	return found[0]
}

func (o objects) of(kind string) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, object := range o {
		if object.GetKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

func rootOf(t *testing.T) string {
	t.Helper()
	root, err := controlplane.RepoRoot()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return root
}
