// SPDX-License-Identifier: Apache-2.0

// Command schemas writes docs/schemas: a JSON schema for each version of each CRD, named as kubeconform looks for them.
// They are as strict as the API server with field validation: an unknown field is an error.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the schemas of the project, in whose folder it is called.
func run() error {
	files, err := filepath.Glob("config/crd/bases/*.yaml")
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(content, crd); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, version := range crd.Spec.Versions {
			schema, err := schemaOf(crd, &version)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			name := fmt.Sprintf("%s_%s.json", strings.ToLower(crd.Spec.Names.Kind), version.Name)
			if err := os.WriteFile(filepath.Join("docs", "schemas", name), schema, 0o644); err != nil { //nolint:gosec // for all to read
				return err
			}
		}
	}
	return nil
}

// schemaOf is the JSON schema of a version of a kind.
func schemaOf(crd *apiextensionsv1.CustomResourceDefinition, version *apiextensionsv1.CustomResourceDefinitionVersion) ([]byte, error) {
	raw, err := json.Marshal(version.Schema.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	var schema map[string]any
	if err := json.Unmarshal(raw, &schema); err != nil {
		return nil, err
	}
	convert(schema)
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	properties := schema["properties"].(map[string]any)
	properties["apiVersion"].(map[string]any)["enum"] = []string{crd.Spec.Group + "/" + version.Name}
	properties["kind"].(map[string]any)["enum"] = []string{crd.Spec.Names.Kind}
	out, err := json.MarshalIndent(schema, "", "  ")
	return append(out, '\n'), err
}

// convert makes JSON schema of an OpenAPI schema of Kubernetes, and of all that is in it. Objects whose fields are known take
// no others.
func convert(schema map[string]any) {
	free := schema["x-kubernetes-preserve-unknown-fields"] == true
	for key := range schema {
		if strings.HasPrefix(key, "x-kubernetes-") {
			delete(schema, key)
		}
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		for _, property := range properties {
			convert(property.(map[string]any))
		}
		if !free {
			schema["additionalProperties"] = false
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok {
			convert(inner)
		}
	}
}
