// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

func TestNewestRows(t *testing.T) {
	for name, test := range map[string]struct {
		table string
		want  string
	}{
		"fewer": {"NAME\na\nb\n", "NAME\nb\na\n"},
		"more":  {"NAME\na\nb\nc\n", "NAME\nc\nb\n(the last updated of 3)\n"},
		"none":  {"No resources found in media namespace.\n", "No resources found in media namespace.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(newestRows(test.table, 2)).To(Equal(test.want))
		})
	}
}

func TestRedrawLeavesNothingOfThePictureBefore(t *testing.T) {
	NewWithT(t).Expect(redraw("a\nb\n")).To(Equal("\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J"))
}

func TestLastLines(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "log")
	g.Expect(os.WriteFile(path, []byte("a\nb\nc\n"), 0o600)).To(Succeed())

	g.Expect(lastLines(path, 2)).To(Equal("b\nc"))
	g.Expect(lastLines(path, 5)).To(Equal("a\nb\nc"))
}
