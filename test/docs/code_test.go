// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
)

// The page for app developers shows the programs that test/apps runs, word for word.
func TestPageForAppDevelopers(t *testing.T) {
	g := NewWithT(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "app-developers.md"))
	g.Expect(err).NotTo(HaveOccurred())
	for language, file := range map[string]string{
		"js":     "examples/javascript/tasks.js",
		"python": "examples/python/tasks.py",
		"go":     "examples/go-app/tasks.go",
	} {
		program, err := os.ReadFile(filepath.Join(root, file))
		g.Expect(err).NotTo(HaveOccurred())
		shown := regexp.MustCompile("(?s)```"+language+"\n(.*?)\n```").FindAllStringSubmatch(string(page), -1)
		g.Expect(shown).To(HaveLen(2), language)
		for _, block := range shown {
			g.Expect(string(program)).To(ContainSubstring(block[1]), "%s is not as docs/app-developers.md shows it: copy it there", file)
		}
	}
}

// A command that reads a key from the terminal is the last of its block: whoever copies the block would store the next line as the key.
func TestNoKeyIsTheNextCommand(t *testing.T) {
	g := NewWithT(t)
	const asks = `(?m)^( *read -|[^|\n]*=/dev/stdin)[^|\n]*\n.`
	block := regexp.MustCompile("(?s)```[a-z]*\n(.*?)\n *```\n")
	for _, file := range documents(g) {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		for _, found := range block.FindAllStringSubmatch(string(text), -1) {
			g.Expect(found[1]).NotTo(MatchRegexp(asks), file)
		}
	}
}
