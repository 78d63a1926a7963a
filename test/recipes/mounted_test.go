// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"os"
	"path/filepath"

	. "github.com/onsi/gomega"
)

// project writes files as the kubelet's AtomicWriter does (pkg/volume/util of Kubernetes): into a new folder, to which the link
// ..data then leads from one moment to the next. What a pod sees are links through that one. The old folder is removed.
func (c *certCluster) project(dir string, files map[string][]byte) {
	c.t.Helper()
	const data, next = "..data", "..data_tmp"
	old, err := os.Readlink(filepath.Join(dir, data))
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	if old != "" && unchanged(filepath.Join(dir, old), files) {
		return
	}
	folder, err := os.MkdirTemp(dir, "..2006_01_02_15_04_05.")
	c.Expect(err).NotTo(HaveOccurred())
	for name, content := range files {
		c.Expect(os.WriteFile(filepath.Join(folder, name), content, 0o600)).To(Succeed())
	}
	c.Expect(os.Symlink(filepath.Base(folder), filepath.Join(dir, next))).To(Succeed())
	c.Expect(os.Rename(filepath.Join(dir, next), filepath.Join(dir, data))).To(Succeed())
	for name := range files {
		if _, err := os.Readlink(filepath.Join(dir, name)); os.IsNotExist(err) {
			c.Expect(os.Symlink(filepath.Join(data, name), filepath.Join(dir, name))).To(Succeed())
		}
	}
	if old != "" {
		c.Expect(os.RemoveAll(filepath.Join(dir, old))).To(Succeed())
	}
}

func unchanged(dir string, files map[string][]byte) bool {
	for name, content := range files {
		if stored, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(stored, content) {
			return false
		}
	}
	return true
}
