// SPDX-License-Identifier: Apache-2.0

// Command plugin packs the binaries of kubectl-livepeer for a release: an archive for each platform, and krew's manifest, which says
// where they will be and what their sums are. The same binaries make the same archives, byte for byte.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

const releases = "https://github.com/livepeer/livepeer-task-operator/releases/download/"

// semantic is what krew takes for a version.
var semantic = regexp.MustCompile(`^v\d+[.]\d+[.]\d+(-[0-9A-Za-z.-]+)?$`)

func main() {
	version := flag.String("version", "", "version of the release, such as v1.2.3")
	binaries := flag.String("binaries", "", "folder with a folder for each platform, such as linux-amd64, with the binary in it")
	out := flag.String("out", "dist", "folder for the archives and the manifest")
	flag.Parse()
	if err := pack(*version, *binaries, *out); err != nil {
		fmt.Fprintln(os.Stderr, "plugin:", err)
		os.Exit(1)
	}
}

// pack writes the archives and the manifest.
func pack(version, binaries, out string) error {
	if !semantic.MatchString(version) {
		return fmt.Errorf("%q is no version of a release; set VERSION, for instance VERSION=v1.2.3", version)
	}
	license, err := os.ReadFile("LICENSE")
	if err != nil {
		return fmt.Errorf("%w; run this in the top folder of the project", err)
	}
	built := os.DirFS(binaries)
	folders, err := fs.ReadDir(built, ".")
	if err != nil {
		return err
	}
	m := newManifest(version)
	for _, folder := range folders {
		system, arch, _ := strings.Cut(folder.Name(), "-")
		bin, suffix, archive := "kubectl-livepeer", ".tar.gz", tarGz
		if system == "windows" {
			bin, suffix, archive = bin+".exe", ".zip", zipped
		}
		program, err := fs.ReadFile(built, path.Join(folder.Name(), bin))
		if err != nil {
			return err
		}
		packed, err := archive([]file{{"LICENSE", license, 0o644}, {bin, program, 0o755}})
		if err != nil {
			return err
		}
		name := fmt.Sprintf("kubectl-livepeer_%s_%s_%s%s", version, system, arch, suffix)
		if err := os.WriteFile(filepath.Join(out, name), packed, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
		sum := sha256.Sum256(packed)
		m.add(system, arch, releases+version+"/"+name, hex.EncodeToString(sum[:]), bin)
	}
	if len(m.Spec.Platforms) == 0 {
		return errors.New("no binaries to pack in " + binaries)
	}
	text, err := yaml.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "livepeer.yaml"), text, 0o644) //nolint:gosec // Likewise.
}
