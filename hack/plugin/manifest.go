// SPDX-License-Identifier: Apache-2.0

package main

// manifest is krew's, as its index takes it.
type manifest struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Spec       spec              `json:"spec"`
}

type spec struct {
	Version          string     `json:"version"`
	Homepage         string     `json:"homepage"`
	ShortDescription string     `json:"shortDescription"`
	Description      string     `json:"description"`
	Platforms        []platform `json:"platforms"`
}

type platform struct {
	Selector selector `json:"selector"`
	URI      string   `json:"uri"`
	SHA256   string   `json:"sha256"`
	Bin      string   `json:"bin"`
}

type selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

func newManifest(version string) *manifest {
	return &manifest{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2",
		Kind:       "Plugin",
		Metadata:   map[string]string{"name": "livepeer"},
		Spec: spec{
			Version:          version,
			Homepage:         "https://github.com/livepeer/livepeer-task-operator",
			ShortDescription: "List, follow and await tasks of Livepeer Studio",
			Description: "Lists, follows and awaits the tasks of Livepeer Studio (hosted video) that the Livepeer Task Operator mirrors\n" +
				"into the cluster, shows what came of them, tends their sources, and checks the installation.\n",
		},
	}
}

func (m *manifest) add(system, arch, uri, sum, bin string) {
	m.Spec.Platforms = append(m.Spec.Platforms, platform{
		Selector: selector{map[string]string{"os": system, "arch": arch}}, URI: uri, SHA256: sum, Bin: bin,
	})
}
