// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"os"
)

const (
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociLayer    = "application/vnd.oci.image.layer.v1.tar"
)

// layout is an archive in the layout of OCI, into which blobs are put.
type layout struct {
	archive bytes.Buffer
	w       *tar.Writer
	err     error
	there   map[string]bool
}

// put adds a blob, once, and says how others refer to it.
func (l *layout) put(mediaType string, blob []byte) map[string]any {
	digest := sum(blob)
	if !l.there[digest] {
		l.there[digest] = true
		l.err = errors.Join(l.err, add(l.w, "blobs/sha256/"+digest, 0o644, blob))
	}
	return map[string]any{"mediaType": mediaType, "digest": "sha256:" + digest, "size": len(blob)}
}

func (l *layout) putJSON(mediaType string, value any) map[string]any {
	text, err := json.Marshal(value)
	l.err = errors.Join(l.err, err)
	return l.put(mediaType, text)
}

// saveOCI writes one image for several platforms as an archive that registries' tools copy (skopeo copy oci-archive:, ctr images
// import), and returns the digest that names it.
func saveOCI(file, name string, images []*image) (string, error) {
	l := &layout{there: map[string]bool{}}
	l.w = tar.NewWriter(&l.archive)
	var manifests []any
	for _, i := range images {
		content, err := i.layer()
		if err != nil {
			return "", err
		}
		config, err := i.config(content)
		if err != nil {
			return "", err
		}
		manifest := l.putJSON(ociManifest, map[string]any{
			"schemaVersion": 2, "mediaType": ociManifest,
			"config": l.put(ociConfig, config), "layers": []any{l.put(ociLayer, content)},
		})
		manifest["platform"] = map[string]string{"os": i.OS, "architecture": i.Architecture}
		manifests = append(manifests, manifest)
	}
	whole := l.putJSON(ociIndex, map[string]any{"schemaVersion": 2, "mediaType": ociIndex, "manifests": manifests})
	digest, _ := whole["digest"].(string)
	whole["annotations"] = map[string]string{"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": ociIndex, "manifests": []any{whole}})
	err = errors.Join(l.err, err, add(l.w, "oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)), add(l.w, "index.json", 0o644, index),
		l.w.Close())
	if err != nil {
		return "", err
	}
	return digest, os.WriteFile(file, l.archive.Bytes(), 0o644)
}
