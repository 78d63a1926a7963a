// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const (
	namespace = "livepeer-task-operator-system"
	managedBy = "\n    app.kubernetes.io/managed-by: kustomize"
	labels    = "\n    {{- include \"livepeer-task-operator.labels\" . | nindent 4 }}"
	banner    = "# Generated from config/ by make manifests. The reasons for what is here are in the comments there.\n"
)

// A wrapper puts a condition around the template of one kind.
type wrapper func(template string) string

func always(template string) string { return template }

func withPrometheus(template string) string {
	const more = "\n    {{- with .Values.prometheus.labels }}\n    {{- toYaml . | nindent 4 }}\n    {{- end }}"
	template = strings.ReplaceAll(template, labels, labels+more)
	return "{{- if .Values.prometheus.enabled }}\n" + template + "{{- end }}\n"
}

// byHand are the kinds that the chart makes otherwise: Helm makes the namespace, CRDs are files of their own, and values
// change the Deployment.
func byHand(kind string) bool {
	return slices.Contains([]string{"Namespace", "CustomResourceDefinition", "Deployment"}, kind)
}

// templates makes a template for each kind among rendered manifests, by the kind in lower case.
func templates(rendered []byte, wrap wrapper) (map[string][]byte, error) {
	texts := map[string]string{}
	for document := range bytes.SplitSeq(rendered, []byte("\n---\n")) {
		object := metav1.TypeMeta{}
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, err
		}
		if object.Kind == "" {
			return nil, fmt.Errorf("an object without a kind: %.100s", document)
		}
		if !byHand(object.Kind) {
			kind := strings.ToLower(object.Kind)
			texts[kind] += "---\n" + template(string(document))
		}
	}
	files := make(map[string][]byte, len(texts))
	for kind, text := range texts {
		files[kind] = []byte(banner + wrap(text))
	}
	return files, nil
}

// template is one rendered object, in the namespace and with the labels of a release.
func template(document string) string {
	document = strings.TrimSuffix(document, "\n") + "\n"
	document = strings.ReplaceAll(document, "{{", `{{ "{{" }}`) // alerts have templates of their own
	document = strings.ReplaceAll(document, namespace, "{{ .Release.Namespace }}")
	return strings.Replace(document, managedBy, labels, 1)
}
