// SPDX-License-Identifier: Apache-2.0

package command

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
)

// TestLibrariesAreSilent: what they log, as when a connection ends with Ctrl-C, is not printed beside what the command says.
func TestLibrariesAreSilent(t *testing.T) {
	g := NewWithT(t)
	files := t.TempDir()
	t.Setenv("TMPDIR", files)
	stderr := os.Stderr
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	g.Expect(err).NotTo(HaveOccurred())
	streams, _, _, _ := genericiooptions.NewTestIOStreams()
	os.Stderr = file
	Run(t.Context(), []string{"version"}, streams, "v1.2.3")
	klog.ErrorS(nil, "Unexpected error when reading response body")
	klog.Warning("deprecated")
	klog.Flush()
	os.Stderr = stderr
	g.Expect(file.Close()).To(Succeed())
	g.Expect(os.ReadFile(file.Name())).To(BeEmpty())
	g.Expect(os.ReadDir(files)).To(BeEmpty(), "nor is it written to files")
}
