// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
)

// fakeGo stands for go where building takes minutes: it says which version is pinned, has setup-envtest at hand, and makes
// binaries that say that they were built.
const fakeGo = `#!/usr/bin/env bash
set -e
case "$*" in
  list*) echo v1.37.2 ;;
  *setup-envtest*) cp "$SETUP_ENVTEST" "$5" ;;
  *)
    while [ $# -gt 0 ] && [ "$1" != -o ]; do shift; done
    out=tools/controlplane/$2
    mkdir -p "$out"
    for package in "${@:3}"; do
      name=$(basename "${package%/v3}")
      printf '#!/bin/sh\necho built\n' >"$out/$name"
      chmod +x "$out/$name"
    done
    ;;
esac
`

// scripted is a folder with what hack/controlplane.sh needs, and its environment.
type scripted struct {
	*WithT
	t   *testing.T
	dir string
	env []string
}

func script(t *testing.T, setupEnvtest string) *scripted {
	t.Helper()
	s := &scripted{WithT: NewWithT(t), t: t, dir: t.TempDir()}
	write := func(path, content string, mode os.FileMode) {
		path = filepath.Join(s.dir, path)
		s.Expect(os.MkdirAll(filepath.Dir(path), 0o700)).To(Succeed())
		syscall.ForkLock.RLock() // a process that is begun meanwhile would hold the file open for a moment: text file busy (go.dev/issue/22315)
		err := os.WriteFile(path, []byte(content), mode)
		syscall.ForkLock.RUnlock()
		s.Expect(err).NotTo(HaveOccurred())
	}
	text, err := os.ReadFile("../controlplane.sh")
	s.Expect(err).NotTo(HaveOccurred())
	write("hack/controlplane.sh", string(text), 0o700)
	write("tools/controlplane/go.mod", "pins", 0o600)
	write("path/go", fakeGo, 0o700)
	s.Expect(os.MkdirAll(filepath.Join(s.dir, "bin"), 0o700)).To(Succeed())
	s.env = append(os.Environ(), "PATH="+filepath.Join(s.dir, "path")+":"+os.Getenv("PATH"), "SETUP_ENVTEST="+setupEnvtest, "KUBEBUILDER_ASSETS=")
	return s
}

// run runs it, and returns what it said.
func (s *scripted) run(env string, names ...string) (string, error) {
	command := exec.CommandContext(s.t.Context(), filepath.Join(s.dir, "hack", "controlplane.sh"), names...)
	command.Env = append(slices.Clip(s.env), env)
	out, err := command.CombinedOutput()
	return string(out), err
}

// says returns what a binary in bin/controlplane says.
func (s *scripted) says(name string) string {
	out, err := exec.CommandContext(s.t.Context(), filepath.Join(s.dir, "bin", "controlplane", name)).CombinedOutput()
	s.Expect(err).NotTo(HaveOccurred(), name)
	return strings.TrimSpace(string(out))
}

// release serves an index with one release, of this version and for this machine, whose checksum may be wrong.
func release(t *testing.T, version string, wrong bool) string {
	t.Helper()
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	files := tar.NewWriter(compressed)
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		content := "#!/bin/sh\necho downloaded\n"
		_ = files.WriteHeader(&tar.Header{Name: "controller-tools/envtest/" + name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg})
		_, _ = files.Write([]byte(content))
	}
	_ = files.Close()
	_ = compressed.Close()
	sum := sha512.Sum512(archive.Bytes())
	if wrong {
		sum[0]++
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/index.yaml" {
			_, _ = w.Write(archive.Bytes())
			return
		}
		name := fmt.Sprintf("envtest-%s-%s-%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)
		fmt.Fprintf(w, "releases:\n  %s:\n    %s:\n      hash: %x\n      selfLink: http://%s/%s\n", version, name, sum, r.Host, name)
	}))
	t.Cleanup(web.Close)
	return "ENVTEST_INDEX=" + web.URL + "/index.yaml"
}

// TestWhereTheControlPlaneComesFrom: from KUBEBUILDER_ASSETS, from a download whose checksum is right, or else from source, with the
// reason; and once only.
func TestWhereTheControlPlaneComesFrom(t *testing.T) {
	root, err := RepoRoot()
	if err != nil {
		t.Fatal(err)
	}
	setupEnvtest := filepath.Join(t.TempDir(), "setup-envtest")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(root, "tools", "envtest"), "-o", setupEnvtest,
		"sigs.k8s.io/controller-runtime/tools/setup-envtest")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, c := range map[string]struct {
		env, why, says string
	}{
		"download":         {release(t, "v1.37.1", false), "Downloaded in ", "downloaded"},
		"wrong checksum":   {release(t, "v1.37.1", true), "No download: the download failed (", "built"},
		"other version":    {release(t, "v1.36.9", false), "No download: it has none of Kubernetes 1.37", "built"},
		"no internet":      {"ENVTEST_INDEX=http://127.0.0.1:1/index.yaml", "No download: its index can't be reached (", "built"},
		"no setup-envtest": {"SETUP_ENVTEST=/nowhere", "No download: setup-envtest can't be built", "built"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, setupEnvtest)
			said, err := s.run(c.env)
			s.Expect(err).NotTo(HaveOccurred(), said)
			s.Expect(said).To(ContainSubstring(c.why))
			for _, binary := range []string{"kube-apiserver", "etcd", "kubectl"} {
				s.Expect(s.says(binary)).To(Equal(c.says))
			}
			s.Expect(s.run(c.env)).To(BeEmpty(), "all is there")
			s.Expect(os.WriteFile(filepath.Join(s.dir, "tools", "controlplane", "go.mod"), []byte("other pins"), 0o600)).To(Succeed())
			s.Expect(s.run(c.env, "etcd")).To(ContainSubstring("Getting etcd of Kubernetes 1.37"))
		})
	}
	t.Run("KUBEBUILDER_ASSETS", func(t *testing.T) {
		s := script(t, setupEnvtest)
		assets := t.TempDir()
		for _, binary := range []string{"kube-apiserver", "etcd"} {
			s.Expect(os.WriteFile(filepath.Join(assets, binary), nil, 0o700)).To(Succeed())
		}
		s.Expect(s.run("KUBEBUILDER_ASSETS="+assets, "kube-apiserver", "etcd")).To(BeEmpty())
		said, err := s.run("KUBEBUILDER_ASSETS=" + assets)
		s.Expect(err).To(HaveOccurred())
		s.Expect(said).To(ContainSubstring("there is no kubectl in it: unset it, or name a folder"))
		s.Expect(filepath.Join(s.dir, "bin", "controlplane")).NotTo(BeADirectory())
	})
}

// TestOneGetsTheControlPlane: of several that begin at once, like make demo beside make test, one gets it, and the others wait for it.
func TestOneGetsTheControlPlane(t *testing.T) {
	s := script(t, "/nowhere")
	said := make([]string, 4)
	var group errgroup.Group
	for i := range said {
		group.Go(func() (err error) {
			said[i], err = s.run("SETUP_ENVTEST=/nowhere")
			return err
		})
	}
	s.Expect(group.Wait()).To(Succeed(), "%s", said)
	s.Expect(strings.Count(strings.Join(said, ""), "Built in ")).To(Equal(1), "%s", said)
	s.Expect(s.says("etcd")).To(Equal("built"))
}
