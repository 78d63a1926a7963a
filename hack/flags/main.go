// SPDX-License-Identifier: Apache-2.0

// Command flags writes docs/flags.md from what the operator's --help says, which it reads.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const head = `<!-- Written by make manifests from the operator's --help. -->

# Flags

What the operator can be told on its command line; ` + "`manager --help`" + ` says the same. How to set one in a cluster is in
[Settings](install.md#settings) and, for the chart, under ` + "[`extraArgs`](helm.md)" + `. Most have a value or a component of their own,
which adapts rights and ports as well.

| flag | default | |
|---|---|---|
`

// How Go's flag package prints a flag: its name and type, its text on the next line, and its default at the end of that.
var (
	nameLine    = regexp.MustCompile(`^ {2}-(\S+)`)
	defaultText = regexp.MustCompile(` \(default (.+)\)$`)
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "flags page:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := controlplane.RepoRoot()
	if err != nil {
		return err
	}
	page, err := pageOf(os.Stdin)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "docs", "flags.md"), []byte(page), 0o644) //nolint:gosec // a page for everybody to read
}

// pageOf is the page of what --help says.
func pageOf(help io.Reader) (string, error) {
	page := &strings.Builder{}
	page.WriteString(head)
	name, count := "", 0
	lines := bufio.NewScanner(help)
	for lines.Scan() {
		if match := nameLine.FindStringSubmatch(lines.Text()); match != nil {
			name = match[1]
			continue
		}
		text := strings.TrimSpace(lines.Text())
		if name == "" || text == "" {
			continue
		}
		value := ""
		if match := defaultText.FindStringSubmatch(text); match != nil {
			value, text = "`"+strings.Trim(match[1], `"`)+"`", strings.TrimSuffix(text, match[0])
		}
		fmt.Fprintf(page, "| `--%s` | %s | %s |\n", name, value, strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace(text))
		name, count = "", count+1
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	if count == 0 {
		return "", fmt.Errorf("no flag in what --help says")
	}
	return page.String(), nil
}
