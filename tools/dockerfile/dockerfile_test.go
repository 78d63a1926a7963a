// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What docker build --check warns of is found, and where; a Dockerfile that is fine is passed.
func TestLint(t *testing.T) {
	for text, want := range map[string]string{
		"FROM scratch\nCOPY a /a\nENTRYPOINT [\"/a\"]\n":              "",
		"FROM scratch\nENTRYPOINT /a\n":                               "Dockerfile:2: JSONArgsRecommended",
		"FROM scratch AS a\nFROM scratch\nCOPY --from=a b c\nADD\n":   "error",
		"FROM scratch\nARG API_TOKEN=x\n":                             "Dockerfile:2: SecretsUsedInArgOrEnv",
		"FROM scratch as a\nCOPY a /b\n":                              "Dockerfile:1: FromAsCasing",
		"FROM scratch\nARG A\nLABEL x=${NOBODY_SET_THIS}\nUSER 1:1\n": "Dockerfile:3: UndefinedVar",
	} {
		found, err := lint(t.Context(), "Dockerfile", []byte(text))
		switch got := strings.Join(found, "\n"); {
		case want == "error":
			if err == nil {
				t.Errorf("no error: %s", text)
			}
		case err != nil:
			t.Errorf("%s: %v", text, err)
		case want == "" && got != "", !strings.HasPrefix(got, want):
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// The steps of a Dockerfile make the image that it says: the files that the context does not leave out, variables, user, entry
// point and labels.
func TestBuild(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"Dockerfile": "FROM golang AS builder\nARG TARGETARCH\nARG VERSION=dev\nWORKDIR /src\nCOPY a.txt ./\nCOPY lib/ lib/\n" +
			"RUN cat a.txt lib/b.txt > out && echo $TARGETARCH $VERSION >> out && ! test -e lib/c.txt\n" +
			"FROM base\nARG VERSION=dev\nLABEL v=\"${VERSION}\"\nCOPY --from=builder /src/out /out\nUSER 65532:65532\nENTRYPOINT [\"/out\"]\n",
		".dockerignore": "**/c.txt\n", "a.txt": "a\n", "lib/b.txt": "b\n", "lib/c.txt": "c\n",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "image.tar")
	err := run(t.Context(), []string{
		"build", "-f", filepath.Join(dir, "Dockerfile"), "-t", "x:v1", "-o", out, "-platform", "linux/arm64", "-build-arg", "VERSION=v9", dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	archive := entries(t, out)
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	var config struct {
		Architecture string
		Config       struct {
			User       string
			Entrypoint []string
			Labels     map[string]string
		}
	}
	if err := json.Unmarshal(archive["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(archive[manifest[0].Config], &config); err != nil {
		t.Fatal(err)
	}
	if c := config.Config; config.Architecture != "arm64" || c.User != "65532:65532" || c.Labels["v"] != "v9" || c.Entrypoint[0] != "/out" {
		t.Errorf("config: %s", archive[manifest[0].Config])
	}
	layer := filepath.Join(dir, "layer.tar")
	if err := os.WriteFile(layer, archive[manifest[0].Layers[0]], 0o600); err != nil {
		t.Fatal(err)
	}
	if got := string(entries(t, layer)["out"]); got != "a\nb\narm64 v9\n" {
		t.Errorf("the file is %q", got)
	}
}

// What the builder does not know, it refuses: an image that lacks a step would be taken for the real one.
func TestBuildRefusesWhatItDoesNotKnow(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []string{"ENTRYPOINT /x", "ENV A=b", "EXPOSE 80", "COPY nothing /x", "COPY --from=builder /x /x", "RUN false"} {
		err := errors.Join(
			os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM a AS builder\nWORKDIR /src\nCOPY Dockerfile ./\n"+step+"\n"), 0o600),
			os.WriteFile(filepath.Join(dir, ".dockerignore"), nil, 0o600))
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"build", "-f", filepath.Join(dir, "Dockerfile"), "-t", "x:v1", "-o", filepath.Join(dir, "image.tar"), dir}
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%s was taken", step)
		}
	}
}

func entries(t *testing.T, file string) map[string][]byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if found[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
