// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Render returns the objects of a kustomization, in the order in which they are to be applied. dir is relative to the
// top of the repository, for instance config/rbac.
func (c *ControlPlane) Render(ctx context.Context, dir string) ([]*unstructured.Unstructured, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.kubectl, "kustomize", filepath.Join(c.root, dir))
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("render %s: %w: %s", dir, err, bytes.TrimSpace(stderr.Bytes()))
	}

	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(out), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("render %s: %w", dir, err)
		}
		objects = append(objects, object)
	}
}

// The operator's ServiceAccount in what config/default installs.
const (
	SystemNamespace = "livepeer-task-operator-system"
	ServiceAccount  = "livepeer-task-operator-controller-manager"
)

// Install applies config/default but for the Deployment, whose pod nothing here would run, and for objects of the kinds that
// are left out.
func (c *ControlPlane) Install(ctx context.Context, leftOut ...string) error {
	objects, err := c.Render(ctx, "config/default")
	if err != nil {
		return err
	}
	leftOut = append(leftOut, "Deployment")
	objects = slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return slices.Contains(leftOut, o.GetKind()) })
	return c.Apply(ctx, objects...)
}

// InstallRights applies what of config/default says who may do what, save its admission policy: so tests can be the operator, and forge
// tasks, too.
func (c *ControlPlane) InstallRights(ctx context.Context) error {
	objects, err := c.Render(ctx, "config/default")
	if err != nil {
		return err
	}
	rights := []string{"ServiceAccount", "Namespace", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
	objects = slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return !slices.Contains(rights, o.GetKind()) })
	return c.Apply(ctx, objects...)
}

// Apply applies objects server side as an administrator, in order, and stops at the first error. What the schema does
// not know is an error.
func (c *ControlPlane) Apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	for _, object := range objects {
		err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()),
			client.FieldOwner("controlplane"), client.ForceOwnership)
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", object.GetKind(), client.ObjectKeyFromObject(object), err)
		}
	}
	return nil
}
