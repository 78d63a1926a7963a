// SPDX-License-Identifier: Apache-2.0

// Package crdcheck finds out whether the CRDs of the cluster are older than the operator: the API server silently drops fields that
// its CRD does not have. Check and Ask are the entry points. It must not change anything, or stop the operator: all fields that
// such CRDs have are mirrored.
package crdcheck

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// named bounds how many of the missing fields are named.
const named = 5

// document is the part of an OpenAPI v3 document that is needed here.
type document struct {
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

// schema is the part of a field's schema that is needed here.
type schema struct {
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Kinds      []struct {
		Group, Version, Kind string
	} `json:"x-kubernetes-group-version-kind"`
}

// Check logs, once, which fields that this operator writes the CRDs of the cluster lack.
func Check(ctx context.Context, discovery rest.Interface, log logr.Logger) {
	missing, err := Ask(ctx, discovery)
	switch {
	case err != nil:
		log.V(1).Info("Can't tell whether the CRDs are as new as the operator", "error", err.Error())
	case len(missing) > 0:
		log.Error(nil, "The CRDs are older than this operator, and the API server drops the fields that they lack. Apply the CRDs of the "+
			"operator's version, and then restart the operator: kubectl rollout restart deployment, in its namespace",
			"missing", len(missing), "fields", missing[:min(len(missing), named)])
	}
}

// Ask returns which fields the CRDs of the cluster lack. It reads the OpenAPI document of the group, which any authenticated user may
// read.
func Ask(ctx context.Context, discovery rest.Interface) ([]string, error) {
	path := "/openapi/v3/apis/" + v1alpha1.GroupVersion.String()
	body, err := discovery.Get().AbsPath(path).SetHeader("Accept", "application/json").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	return Missing(body)
}

// Missing returns the fields of this version's types that an OpenAPI v3 document of the group lacks, sorted: "LivepeerTask.spec.id".
func Missing(body []byte) ([]string, error) {
	doc := &document{}
	if err := json.Unmarshal(body, doc); err != nil {
		return nil, fmt.Errorf("OpenAPI document of the API server: %w", err)
	}
	var missing []string
	for _, kind := range []any{v1alpha1.LivepeerTask{}, v1alpha1.LivepeerTaskSource{}} {
		of := reflect.TypeOf(kind)
		served := doc.of(of.Name())
		if served == nil {
			return nil, fmt.Errorf("OpenAPI document of the API server: it has no %s", of.Name())
		}
		for _, part := range []string{"Spec", "Status"} {
			field, _ := of.FieldByName(part)
			name := strings.ToLower(part)
			missing = append(missing, lacks(served.Properties[name], field.Type, of.Name()+"."+name)...)
		}
	}
	slices.Sort(missing)
	return missing, nil
}

// of returns the schema of a kind, nil if there is none.
func (d *document) of(kind string) *schema {
	for _, served := range d.Components.Schemas {
		if len(served.Kinds) == 1 && served.Kinds[0].Kind == kind {
			return served
		}
	}
	return nil
}

// isLeaf reports whether the schema of a type is not made of its fields.
func isLeaf(of reflect.Type) bool {
	marshals := reflect.TypeFor[json.Marshaler]()
	return of == reflect.TypeFor[metav1.Condition]() || of.Implements(marshals) || reflect.PointerTo(of).Implements(marshals)
}

// lacks returns the paths of a type's fields that a schema lacks; for a missing object, only its own path.
func lacks(served *schema, of reflect.Type, path string) (missing []string) {
	if served == nil {
		return []string{path}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return lacks(served, of.Elem(), path)
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return nil
		}
		return lacks(served.Items, of.Elem(), path)
	case reflect.Struct:
	default:
		return nil
	}
	if isLeaf(of) {
		return nil
	}
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" { // embedded
			missing = append(missing, lacks(served, field.Type, path)...)
			continue
		}
		missing = append(missing, lacks(served.Properties[name], field.Type, path+"."+name)...)
	}
	return missing
}
