// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// binaries are folders with programs that hold no more than their platform's name.
func binaries(g Gomega, dir string, platforms ...string) {
	for _, platform := range platforms {
		name := "kubectl-livepeer"
		if platform == "windows-amd64" {
			name += ".exe"
		}
		g.Expect(os.MkdirAll(filepath.Join(dir, platform), 0o750)).To(Succeed())
		g.Expect(os.WriteFile(filepath.Join(dir, platform, name), []byte(platform), 0o700)).To(Succeed())
	}
}

func TestEachArchiveIsWhatTheManifestSays(t *testing.T) {
	g := NewWithT(t)
	t.Chdir("../..")
	in, out, again := t.TempDir(), t.TempDir(), t.TempDir()
	binaries(g, in, "darwin-arm64", "linux-amd64", "windows-amd64")
	g.Expect(pack("v1.2.3", in, out)).To(Succeed())
	g.Expect(pack("v1.2.3", in, again)).To(Succeed())
	text, err := os.ReadFile(filepath.Join(out, "livepeer.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	m := &manifest{}
	g.Expect(yaml.UnmarshalStrict(text, m)).To(Succeed())
	g.Expect(m.Spec.Platforms).To(HaveLen(3))
	for _, p := range m.Spec.Platforms {
		name := path.Base(p.URI)
		g.Expect(p.URI).To(Equal(releases + "v1.2.3/" + name))
		packed, err := os.ReadFile(filepath.Join(out, name))
		g.Expect(err).NotTo(HaveOccurred())
		sum := sha256.Sum256(packed)
		g.Expect(hex.EncodeToString(sum[:])).To(Equal(p.SHA256))
		repeated, err := os.ReadFile(filepath.Join(again, name))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(bytes.Equal(packed, repeated)).To(BeTrue(), "%s differs from time to time", name)
		files := unpack(g, name, packed)
		g.Expect(files).To(HaveLen(2))
		g.Expect(files).To(HaveKeyWithValue(p.Bin, p.Selector.MatchLabels["os"]+"-"+p.Selector.MatchLabels["arch"]))
		g.Expect(files["LICENSE"]).To(ContainSubstring("Apache License"))
	}
}

// unpack returns the files of an archive. The program has to be executable.
func unpack(g Gomega, name string, packed []byte) map[string]string {
	files := map[string]string{}
	if path.Ext(name) == ".zip" {
		archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
		g.Expect(err).NotTo(HaveOccurred())
		for _, f := range archive.File {
			content, err := archive.Open(f.Name)
			g.Expect(err).NotTo(HaveOccurred())
			text, err := io.ReadAll(content)
			g.Expect(err).NotTo(HaveOccurred())
			files[f.Name] = string(text)
		}
		return files
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	g.Expect(err).NotTo(HaveOccurred())
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(header.Mode&0o100 != 0).To(Equal(header.Name != "LICENSE"))
		text, err := io.ReadAll(archive)
		g.Expect(err).NotTo(HaveOccurred())
		files[header.Name] = string(text)
	}
}

func TestWhatIsNoRelease(t *testing.T) {
	g := NewWithT(t)
	t.Chdir("../..")
	in := t.TempDir()
	g.Expect(pack("v1.2.3", in, t.TempDir())).To(MatchError(ContainSubstring("no binaries")))
	binaries(g, in, "linux-amd64")
	for _, version := range []string{"", "dev", "197a33c-dirty", "1.2.3"} {
		g.Expect(pack(version, in, t.TempDir())).To(MatchError(ContainSubstring("set VERSION")))
	}
	g.Expect(os.Mkdir(filepath.Join(in, "plan9-amd64"), 0o700)).To(Succeed())
	g.Expect(pack("v1.2.3", in, t.TempDir())).To(MatchError(ContainSubstring("plan9-amd64")))
}
