// SPDX-License-Identifier: Apache-2.0

// Command schemas writes docs/schemas: a JSON schema for each version of each CRD, named as kubeconform looks for them.
// They are as strict as the API server with field validation: an unknown field is an error.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
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
		content, err := os.ReadFile(file) //nolint:gosec // one of the project's own
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
	schema := convert(version.Schema.OpenAPIV3Schema)
	schema.Schema = "http://json-schema.org/draft-07/schema#"
	for name, value := range map[string]string{
		"apiVersion": crd.Spec.Group + "/" + version.Name,
		"kind":       crd.Spec.Names.Kind,
	} {
		property := schema.Properties[name]
		property.Enum = []apiextensionsv1.JSON{{Raw: []byte(strconv.Quote(value))}}
		schema.Properties[name] = property
	}
	out, err := json.MarshalIndent(schema, "", "  ")
	return append(out, '\n'), err
}

// convert makes JSON schema of an OpenAPI schema of Kubernetes, and of all that is in it. Objects whose fields are known take
// no others.
func convert(in *apiextensionsv1.JSONSchemaProps) *apiextensionsv1.JSONSchemaProps {
	schema := in.DeepCopy()
	if len(schema.Properties) > 0 && !ptr.Deref(schema.XPreserveUnknownFields, false) {
		schema.AdditionalProperties = &apiextensionsv1.JSONSchemaPropsOrBool{Allows: false}
	}
	schema.XPreserveUnknownFields, schema.XEmbeddedResource, schema.XIntOrString = nil, false, false
	schema.XListMapKeys, schema.XListType, schema.XMapType, schema.XValidations = nil, nil, nil, nil
	for name := range schema.Properties {
		property := schema.Properties[name]
		schema.Properties[name] = *convert(&property)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		schema.Items.Schema = convert(schema.Items.Schema)
	}
	if more := schema.AdditionalProperties; more != nil && more.Schema != nil {
		more.Schema = convert(more.Schema)
	}
	return schema
}
