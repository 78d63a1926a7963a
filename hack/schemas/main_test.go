// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"
)

const root = "../.."

// The schema takes what the samples and the manual show, and names what is wrong in what the API server would refuse.
func TestSchemas(t *testing.T) {
	g := NewWithT(t)
	source := validator(g, "livepeertasksource_v1alpha1.json")
	for _, sample := range []string{"livepeertasksource.yaml", "livepeertasksource_cloudevents.yaml"} {
		content, err := os.ReadFile(filepath.Join(root, "config", "samples", sample))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(source(string(content))).To(BeEmpty(), sample)
	}
	const valid = "apiVersion: studio.livepeer.org/v1alpha1\nkind: LivepeerTaskSource\nmetadata: {name: main, labels: {any: thing}}\n"
	g.Expect(source(valid + "spec: {secretRef: {name: livepeer}}")).To(BeEmpty())
	g.Expect(source(valid + "spec: {secretRef: {name: livepeer}, intervall: 1m}")).To(ContainElement(ContainSubstring("intervall")))
	g.Expect(source(valid + "spec: {interval: 1m}")).To(ContainElement(ContainSubstring("secretRef")))
	g.Expect(source(valid + "spec: {secretRef: {name: livepeer}, suspend: 'yes'}")).To(ContainElement(ContainSubstring("suspend")))

	const another = "apiVersion: studio.livepeer.org/v1\nkind: LivepeerTaskSource\nspec: {secretRef: {name: livepeer}}"
	g.Expect(source(another)).To(ContainElement(ContainSubstring("apiVersion")))

	task := validator(g, "livepeertask_v1alpha1.json")
	const start = "apiVersion: studio.livepeer.org/v1alpha1\nkind: LivepeerTask\nmetadata: {name: a}\n"
	g.Expect(task(start + "spec: {id: a, params: {exportData: {content: {free: [form]}}}}")).To(BeEmpty())
	g.Expect(task(start + "spec: {id: a, params: {exportData: {contents: {}}}}")).To(ContainElement(ContainSubstring("contents")))
}

// validator returns what a schema says of a document in YAML.
func validator(g Gomega, name string) func(document string) []string {
	content, err := os.ReadFile(filepath.Join(root, "docs", "schemas", name))
	g.Expect(err).NotTo(HaveOccurred())
	schema := &spec.Schema{}
	g.Expect(json.Unmarshal(content, schema)).To(Succeed())
	return func(document string) (problems []string) {
		var object any
		g.Expect(yaml.Unmarshal([]byte(document), &object)).To(Succeed())
		for _, problem := range validate.NewSchemaValidator(schema, nil, "", strfmt.Default).Validate(object).Errors {
			problems = append(problems, problem.Error())
		}
		return problems
	}
}
