// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// schema is what matters of a schema in an OpenAPI v3 document.
type schema struct {
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
}

// MissingFields returns the fields that this plugin knows and an OpenAPI v3 document of the group lacks, sorted. What is below a missing
// field is not named. Without any schema of a kind, the kind is missing.
func MissingFields(document []byte) ([]string, error) {
	var doc struct {
		Components struct {
			Schemas map[string]*schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, err
	}
	var missing []string
	for _, kind := range []any{v1alpha1.LivepeerTask{}, v1alpha1.LivepeerTaskSource{}} {
		of := reflect.TypeOf(kind)
		var served *schema
		for name, candidate := range doc.Components.Schemas {
			if strings.HasSuffix(name, "."+of.Name()) {
				served = candidate
			}
		}
		missing = append(missing, lacks(served, of, of.Name())...)
	}
	slices.Sort(missing)
	return missing, nil
}

// lacks compares a type with its schema. Types that write their own JSON, and those of Kubernetes, have no fields of ours.
func lacks(served *schema, of reflect.Type, path string) []string {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		if of.Kind() == reflect.Slice && served != nil && served.Items != nil {
			served = served.Items
		}
		of = of.Elem()
	}
	if served == nil {
		return []string{path}
	}
	if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[v1alpha1.LivepeerTask]().PkgPath() {
		return nil
	}
	var missing []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Type == reflect.TypeFor[metav1.TypeMeta]() || field.Type == reflect.TypeFor[metav1.ObjectMeta]():
		case name == "":
			missing = append(missing, lacks(served, field.Type, path)...)
		default:
			missing = append(missing, lacks(served.Properties[name], field.Type, path+"."+name)...)
		}
	}
	return missing
}
