// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// What the documents tell people to run is there: make targets, and the folders that go and kubectl are given.
func TestWhatDocumentsRunIsThere(t *testing.T) {
	g := NewWithT(t)
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	g.Expect(err).NotTo(HaveOccurred())
	targets, folders := 0, 0
	for _, file := range documents(g) {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		for _, code := range regexp.MustCompile("(?s)```[a-z]*\n.*?```|`[^`\n]+`").FindAllString(string(text), -1) {
			for _, call := range regexp.MustCompile("(?m)(?:^ *|`|&& )make((?: [a-z][a-z0-9-]*)+)").FindAllStringSubmatch(code, -1) {
				for target := range strings.FieldsSeq(call[1]) {
					targets++
					g.Expect(string(makefile)).To(MatchRegexp(`(?m)^`+target+`:`), "%s: make %s", file, target)
				}
			}
			for _, call := range regexp.MustCompile(`(?:-k |go (?:run|test) (?:-[^ ]+ )*)((?:\./)?(?:config|examples|hack|test|internal)/[a-z0-9/_-]+)`).FindAllStringSubmatch(code, -1) {
				folders++
				g.Expect(filepath.Join(root, call[1])).To(BeADirectory(), file)
			}
		}
	}
	g.Expect(targets).To(BeNumerically(">", 50))
	g.Expect(folders).To(BeNumerically(">", 10))
}

// Each page of docs/ is in its index, and in the menu of the site.
func TestEachPageIsListed(t *testing.T) {
	g := NewWithT(t)
	index, err := os.ReadFile(filepath.Join(root, "docs", "README.md"))
	g.Expect(err).NotTo(HaveOccurred())
	menu, err := os.ReadFile(filepath.Join(root, "mkdocs.yml"))
	g.Expect(err).NotTo(HaveOccurred())
	for _, file := range documents(g) {
		page, err := filepath.Rel(filepath.Join(root, "docs"), file)
		g.Expect(err).NotTo(HaveOccurred())
		if strings.HasPrefix(page, "..") {
			continue
		}
		g.Expect(string(menu)).To(MatchRegexp(`(?m)[ :]`+regexp.QuoteMeta(page)+`$`), "mkdocs.yml lacks a page")
		if filepath.Dir(page) == "." && page != "README.md" {
			g.Expect(string(index)).To(ContainSubstring("("+page+")"), "docs/README.md lacks a page")
		}
	}
}

// Each row of a table has as many cells as the table has columns: GitHub drops what is more.
func TestRowsOfTablesAreWhole(t *testing.T) {
	g := NewWithT(t)
	rows := 0
	for _, file := range documents(g) {
		columns := 0
		for line := range strings.Lines(prose(g, file)) {
			if !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") - 1
			if columns == 0 {
				columns = cells
			}
			rows++
			g.Expect(cells).To(Equal(columns), "%s: %s", file, line)
		}
	}
	g.Expect(rows).To(BeNumerically(">", 500))
}

// What stands for a name, such as <host>, is in code or escaped: GitHub takes it for HTML, and shows nothing of it.
func TestPlaceholdersAreShown(t *testing.T) {
	g := NewWithT(t)
	for _, file := range documents(g) {
		text := regexp.MustCompile("`[^`]*`").ReplaceAllString(prose(g, file), "")
		text = regexp.MustCompile(`<!--(?s:.*?)-->|</?(?:a|br|img|details|summary|https?:)\b[^>]*>`).ReplaceAllString(text, "")
		g.Expect(regexp.MustCompile(`<[a-zA-Z][^>\n]*>`).FindAllString(text, -1)).To(BeEmpty(), file)
	}
}
