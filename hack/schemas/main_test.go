// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
	samples, err := filepath.Glob(filepath.Join(root, "config", "samples", "livepeertasksource*.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(samples)).To(BeNumerically(">", 1))
	for _, sample := range samples {
		content, err := os.ReadFile(sample)
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

// TestManuals: each setting of a source has a row in its manual, and so has each field of its status. The manual of tasks names each field
// but those of params and output, which kubectl explain tells of.
func TestManuals(t *testing.T) {
	g := NewWithT(t)
	manual := func(name string) string {
		content, err := os.ReadFile(filepath.Join(root, "docs", name))
		g.Expect(err).NotTo(HaveOccurred())
		return string(content)
	}
	page, source := manual("livepeertasksource.md"), schema(g, "livepeertasksource_v1alpha1.json").Properties
	settings := leaves("", source["spec"])
	g.Expect(settings).To(ContainElements("history.maxAge", "notify.cloudEvents.sink"))
	for _, setting := range settings {
		g.Expect(strings.Contains(page, "\n| `"+setting+"` |")).To(BeTrue(), "Fields, in docs/livepeertasksource.md, lacks spec.%s", setting)
	}
	for field := range source["status"].Properties {
		g.Expect(regexp.MustCompile("\n\\| `"+field+"[`.]").MatchString(page)).To(BeTrue(), "Status, in docs/livepeertasksource.md, lacks %s", field)
	}
	page = manual("livepeertask.md")
	task := schema(g, "livepeertask_v1alpha1.json").Properties
	for _, section := range []string{"spec", "status"} {
		for field := range task[section].Properties {
			g.Expect(regexp.MustCompile(`\b`+field+`\b`).MatchString(page)).To(BeTrue(), "docs/livepeertask.md lacks %s.%s", section, field)
		}
	}
}

// leaves returns the paths of the fields that have none of their own.
func leaves(path string, of spec.Schema) (paths []string) {
	if len(of.Properties) == 0 {
		return []string{path}
	}
	for name, field := range of.Properties {
		paths = append(paths, leaves(strings.TrimPrefix(path+"."+name, "."), field)...)
	}
	return paths
}

// schema reads one of the schemas in docs.
func schema(g Gomega, name string) *spec.Schema {
	content, err := os.ReadFile(filepath.Join(root, "docs", "schemas", name))
	g.Expect(err).NotTo(HaveOccurred())
	of := &spec.Schema{}
	g.Expect(json.Unmarshal(content, of)).To(Succeed())
	return of
}

// validator returns what a schema says of a document in YAML.
func validator(g Gomega, name string) func(document string) []string {
	of := schema(g, name)
	return func(document string) (problems []string) {
		var object any
		g.Expect(yaml.Unmarshal([]byte(document), &object)).To(Succeed())
		for _, problem := range validate.NewSchemaValidator(of, nil, "", strfmt.Default).Validate(object).Errors {
			problems = append(problems, problem.Error())
		}
		return problems
	}
}
