// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// image is what the last stage makes.
type image struct {
	Name             string
	OS, Architecture string
	User             string
	Entrypoint       []string
	Labels           map[string]string
	Files            map[string]string // path in the image: file here
	Bare             bool              // from scratch, and from no distroless base
}

// authorities are where machines keep the certificates of authorities.
const authorities = "/etc/ssl/certs/ca-certificates.crt"

// save writes the image as an archive of one layer, as docker, podman, containerd and kind load it.
func (i *image) save(file string) error {
	layer, err := i.layer()
	if err != nil {
		return err
	}
	config, err := i.config(layer)
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": sum(config) + ".json", "RepoTags": []string{i.Name}, "Layers": []string{sum(layer) + ".tar"},
	}})
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err = errors.Join(
		add(w, sum(layer)+".tar", 0o644, layer), add(w, sum(config)+".json", 0o644, config), add(w, "manifest.json", 0o644, manifest),
		w.Close())
	if err != nil {
		return err
	}
	return os.WriteFile(file, archive.Bytes(), 0o644)
}

// config says how the image is run.
func (i *image) config(layer []byte) ([]byte, error) {
	config := map[string]any{"Labels": i.Labels}
	if !i.Bare {
		config["User"], config["Entrypoint"] = i.User, i.Entrypoint
		config["Env"] = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE=" + authorities}
	}
	return json.Marshal(map[string]any{
		"os": i.OS, "architecture": i.Architecture, "config": config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + sum(layer)}},
	})
}

// layer holds the files, on what stands in for the base.
func (i *image) layer() ([]byte, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if !i.Bare {
		if err := addBase(w); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.Files)) {
		content, err := os.ReadFile(i.Files[name])
		if err != nil {
			return nil, err
		}
		if err := add(w, strings.TrimPrefix(path.Clean(name), "/"), 0o755, content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return layer.Bytes(), nil
}

// addBase adds what the distroless base has that a program can depend on: the certificates of authorities (this machine's, if it has
// any), the names of its users, and a folder for temporary files. Time zones are left out.
func addBase(w *tar.Writer) error {
	err := errors.Join(
		w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}),
		add(w, "etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\n"+
			"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")),
		add(w, "etc/group", 0o644, []byte("root:x:0:\nnonroot:x:65532:\n")))
	if err != nil {
		return err
	}
	certificates, err := os.ReadFile(authorities)
	if err == nil {
		err = add(w, strings.TrimPrefix(authorities, "/"), 0o644, certificates)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func add(w *tar.Writer, name string, mode int64, content []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

func sum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
