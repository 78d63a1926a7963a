// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// descriptor is how one blob of an OCI layout refers to another.
type descriptor struct {
	Digest   string
	Size     int
	Platform struct{ Architecture string }
}

// TestSeveralPlatforms make one image, each of whose blobs is there and is what its digest says. One from scratch holds what was
// copied and nothing else.
func TestSeveralPlatforms(t *testing.T) {
	dir := t.TempDir()
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nLABEL a=b\nCOPY m /manifests/\n"), 0o600),
		os.MkdirAll(filepath.Join(dir, "m"), 0o700), os.WriteFile(filepath.Join(dir, "m", "a.yaml"), []byte("a"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "image.tar")
	args := []string{"build", "-f", filepath.Join(dir, "Dockerfile"), "-t", "x:v1", "-o", out, "-platform", "linux/amd64,linux/arm64", dir}
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	archive := entries(t, out)
	type document struct {
		Manifests, Layers []descriptor
		Config            descriptor
	}
	blob := func(d descriptor) []byte {
		content := archive["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
		if "sha256:"+sum(content) != d.Digest || len(content) != d.Size {
			t.Fatalf("%s is not what it says", d.Digest)
		}
		return content
	}
	read := func(content []byte) (d document) {
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	var platforms string
	for _, manifest := range read(blob(read(archive["index.json"]).Manifests[0])).Manifests {
		image := read(blob(manifest))
		if config := string(blob(image.Config)); !strings.Contains(config, `"architecture":"`+manifest.Platform.Architecture+`"`) ||
			!strings.Contains(config, `"Labels":{"a":"b"}`) {
			t.Errorf("config: %s", config)
		}
		layer := filepath.Join(dir, "layer.tar")
		if err := os.WriteFile(layer, blob(image.Layers[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		if files := entries(t, layer); len(files) != 1 || string(files["manifests/a.yaml"]) != "a" {
			t.Errorf("files: %q", files)
		}
		platforms += manifest.Platform.Architecture + " "
	}
	if platforms != "amd64 arm64 " || archive["oci-layout"] == nil {
		t.Errorf("platforms: %s", platforms)
	}
}
