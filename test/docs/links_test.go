// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

const root = "../.."

// Each link of a document to a file of the project leads to one, and each anchor to a heading.
func TestLinks(t *testing.T) {
	g := NewWithT(t)
	for _, file := range documents(g) {
		for _, link := range links.FindAllStringSubmatch(prose(g, file), -1) {
			if !strings.Contains(link[1], ":") {
				leads(g, file, link[1])
			}
		}
	}
}

// documents are the paths of all Markdown files of the project.
func documents(g Gomega) []string {
	var files []string
	g.Expect(filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "dist", "node_modules"}, entry.Name()) {
			return fs.SkipDir
		}
		if filepath.Ext(file) == ".md" {
			files = append(files, file)
		}
		return nil
	})).To(Succeed())
	g.Expect(len(files)).To(BeNumerically(">", 20))
	return files
}

// leads fails where the link in that file leads nowhere.
func leads(g Gomega, file, link string) {
	path, anchor, _ := strings.Cut(link, "#")
	target := file
	if path != "" {
		target = filepath.Join(filepath.Dir(file), path)
	}
	_, err := os.Stat(target)
	g.Expect(err).NotTo(HaveOccurred(), "%s: %s", file, link)
	if anchor != "" && filepath.Ext(target) == ".md" {
		g.Expect(anchors(prose(g, target))).To(HaveKey(anchor), "%s: %s", file, link)
	}
}

// anchors are those of a document's headings, as GitHub makes them.
func anchors(document string) map[string]bool {
	found := map[string]bool{}
	for _, heading := range headings.FindAllStringSubmatch(document, -1) {
		name := strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-")
		anchor := name
		for n := 1; found[anchor]; n++ {
			anchor = name + "-" + strconv.Itoa(n)
		}
		found[anchor] = true
	}
	return found
}

// prose is a document without its blocks of code.
func prose(g Gomega, file string) string {
	text, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	return code.ReplaceAllString(string(text), "")
}

var (
	code     = regexp.MustCompile("(?s)\n *```.*?\n *```")
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)
