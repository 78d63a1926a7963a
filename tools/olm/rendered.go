// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

type objects []*unstructured.Unstructured

// render returns the objects of a kustomization.
func render(ctx context.Context, dir string) (objects, error) {
	//nolint:gosec // whoever runs this says which kubectl
	out, err := exec.CommandContext(ctx, cmp.Or(os.Getenv("KUBECTL"), "kubectl"), "kustomize", dir).Output()
	if err != nil {
		exit := &exec.ExitError{}
		errors.As(err, &exit)
		return nil, fmt.Errorf("render %s: %w: %s", dir, err, exit.Stderr)
	}
	var all objects
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(out), 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read %s: %w", dir, err)
		}
		all = append(all, object)
	}
}

// of returns the objects of a kind.
func (all objects) of(kind string) (found objects) {
	for _, object := range all {
		if object.GetKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

// only reads the one object of a kind.
func (all objects) only(kind string, into any) error {
	found := all.of(kind)
	if len(found) != 1 {
		return fmt.Errorf("%d objects of kind %s, and a bundle has one", len(found), kind)
	}
	return read(found[0], into)
}

// read takes an object as what it is. A field that is not known is an error.
func read(object *unstructured.Unstructured, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true); err != nil {
		return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}
