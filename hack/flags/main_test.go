// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// TestPage: each flag that Go's package prints has a row, with its default, and nothing in it that Markdown would take for its own.
func TestPage(t *testing.T) {
	g := NewWithT(t)
	help := &strings.Builder{}
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.String("hosts", "", "Like *.example.com|other, <any>.")
	flags.String("address", ":8081", "Where it serves (0: nowhere).")
	flags.Bool("secure", true, "Over HTTPS.")
	flags.Int("n", 32, "How many.")
	flags.PrintDefaults()

	page, err := pageOf(strings.NewReader(help.String()))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(strings.TrimPrefix(page, head)).To(Equal("" +
		"| `--address` | `:8081` | Where it serves (0: nowhere). |\n" +
		"| `--hosts` |  | Like \\*.example.com\\|other, &lt;any>. |\n" +
		"| `--n` | `32` | How many. |\n" +
		"| `--secure` | `true` | Over HTTPS. |\n"))

	_, err = pageOf(strings.NewReader("manager: not found\n"))
	g.Expect(err).To(MatchError(ContainSubstring("no flag")))
}
