// SPDX-License-Identifier: Apache-2.0

// Package recipes tries what the pages of docs/recipes show, taken from the pages themselves.
package recipes

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

var fence = regexp.MustCompile("(?ms)^```yaml\n(.*?)\n```$")

// pages are the recipes, by file name.
func pages(t *testing.T) map[string][]*unstructured.Unstructured {
	t.Helper()
	g := NewWithT(t)
	found := map[string][]*unstructured.Unstructured{}
	names, err := filepath.Glob("../../docs/recipes/*.md")
	g.Expect(err).NotTo(HaveOccurred())
	for _, name := range names {
		text, err := os.ReadFile(name)
		g.Expect(err).NotTo(HaveOccurred())
		for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
			for document := range strings.SplitSeq(block[1], "\n---\n") {
				object := &unstructured.Unstructured{}
				g.Expect(yaml.UnmarshalStrict([]byte(document+"\n"), &object.Object)).To(Succeed(), "%s: %s", name, document)
				found[filepath.Base(name)] = append(found[filepath.Base(name)], object)
			}
		}
	}
	return found
}

// Every recipe has objects, save those of k9s and Headlamp, which have files of their own kind (see TestK9sKnowsTheFields and
// make test-headlamp), and says what was run.
func TestPages(t *testing.T) {
	g := NewWithT(t)
	found := pages(t)
	names, err := filepath.Glob("../../docs/recipes/*.md")
	g.Expect(err).NotTo(HaveOccurred())
	index, err := os.ReadFile("../../docs/recipes/README.md")
	g.Expect(err).NotTo(HaveOccurred())
	for _, path := range names {
		name := filepath.Base(path)
		if name == "README.md" {
			continue
		}
		text, err := os.ReadFile(path)
		g.Expect(err).NotTo(HaveOccurred())
		if name != "k9s.md" && name != "headlamp.md" {
			g.Expect(found[name]).NotTo(BeEmpty(), name)
		}
		g.Expect(string(text)).To(ContainSubstring("## What was run"), name)
		g.Expect(string(index)).To(ContainSubstring("("+name+")"), "the index lacks a page")
	}
}
