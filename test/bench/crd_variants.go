// SPDX-License-Identifier: Apache-2.0

package main

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

const (
	// Each variant of the CRD stores so many tasks in each round, and changes them.
	crdTasks  = 50
	crdRounds = 6

	crdName  = "livepeertasks.studio.livepeer.org"
	crdGroup = "studio.livepeer.org"
)

// variant is the CRD of LivepeerTask, or a request, as it might be instead.
type variant struct {
	name, label string
	// edit changes the only version of the CRD; nil: it is as it is.
	edit func(version map[string]any)
	// query is added to each write.
	query string
	// guarded: in the CRD's own group, for which the admission policy is.
	guarded bool
}

// todays is what all others are compared with.
const todays = "today"

func variants() []variant {
	return []variant{
		{name: todays, label: "as it is, without the admission policy"},
		{name: "policy", label: "with the admission policy", guarded: true},
		{name: "wholes", label: "spec and status atomic as wholes", edit: func(v map[string]any) {
			node(v, "spec")["x-kubernetes-map-type"] = "atomic"
			node(v, "status")["x-kubernetes-map-type"] = "atomic"
		}},
		{name: "selectable", label: "no selectableFields", edit: func(v map[string]any) { delete(v, "selectableFields") }},
		{name: "columns", label: "no additionalPrinterColumns", edit: func(v map[string]any) { delete(v, "additionalPrinterColumns") }},
		{name: "rules", label: "no pattern, length, minimum, maximum or enum", edit: func(v map[string]any) {
			without(schemaOf(v), "pattern", "minLength", "maxLength", "minimum", "maximum", "maxItems", "enum")
		}},
		{name: "formats", label: "no formats", edit: func(v map[string]any) { without(schemaOf(v), "format") }},
		{name: "descriptions", label: "no descriptions", edit: func(v map[string]any) { without(schemaOf(v), "description") }},
		{name: "params", label: "params untyped", edit: func(v map[string]any) { untyped(v, "spec", "params") }},
		{name: "output", label: "output untyped", edit: func(v map[string]any) { untyped(v, "status", "output") }},
		{name: "untyped", label: "params and output untyped", edit: func(v map[string]any) {
			untyped(v, "spec", "params")
			untyped(v, "status", "output")
		}},
		{name: "ignore", label: "writes with fieldValidation=Ignore", query: "&fieldValidation=Ignore"},
		{name: "strict", label: "writes with fieldValidation=Strict", query: "&fieldValidation=Strict"},
	}
}

func (v *variant) group() string {
	if v.guarded {
		return crdGroup
	}
	return v.name + ".bench.livepeer.org"
}

// crd makes the variant of the CRD.
func (v *variant) crd(object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	crd := object.DeepCopy()
	crd.SetName("livepeertasks." + v.group())
	if err := unstructured.SetNestedField(crd.Object, v.group(), "spec", "group"); err != nil {
		return nil, err
	}
	list, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err != nil || v.edit == nil {
		return crd, err
	}
	version, _ := list[0].(map[string]any)
	v.edit(version)
	return crd, unstructured.SetNestedSlice(crd.Object, list, "spec", "versions")
}

func schemaOf(version map[string]any) map[string]any {
	schema, _, _ := unstructured.NestedFieldNoCopy(version, "schema", "openAPIV3Schema")
	found, _ := schema.(map[string]any)
	return found
}

// node is the schema of a field.
func node(version map[string]any, path ...string) map[string]any {
	at := schemaOf(version)
	for _, name := range path {
		properties, _ := at["properties"].(map[string]any)
		at, _ = properties[name].(map[string]any)
	}
	return at
}

func untyped(version map[string]any, path ...string) {
	at := node(version, path...)
	delete(at, "properties")
	delete(at, "required")
	at["x-kubernetes-preserve-unknown-fields"] = true
}

// without takes words of a schema away, everywhere.
func without(schema map[string]any, words ...string) {
	for _, word := range words {
		delete(schema, word)
	}
	for _, word := range []string{"items", "additionalProperties"} {
		if below, ok := schema[word].(map[string]any); ok {
			without(below, words...)
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, below := range properties {
		if below, ok := below.(map[string]any); ok {
			without(below, words...)
		}
	}
}
