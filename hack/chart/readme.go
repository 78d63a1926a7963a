// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

const readmeHead = `<!-- Generated from values.yaml by make manifests. -->
# livepeer-task-operator

Installs the [Livepeer task operator](https://github.com/livepeer/livepeer-task-operator), which mirrors the tasks of Livepeer Studio as
LivepeerTask objects.

` + "```" + `
helm install livepeer-task-operator oci://ghcr.io/livepeer/charts/livepeer-task-operator \
  --namespace livepeer-task-operator-system --create-namespace
` + "```" + `

[Installing with Helm](https://github.com/livepeer/livepeer-task-operator/blob/main/docs/helm.md) says how CRDs are upgraded and kept.

## Values

A name that is not here, or a value of another kind, is an error.

| value | default | |
|---|---|---|
`

// readme lists the values of a chart, with the comments that stand above them in values.yaml.
func readme(values []byte) ([]byte, error) {
	all := map[string]any{}
	if err := yaml.Unmarshal(values, &all); err != nil {
		return nil, err
	}
	out := bytes.NewBufferString(readmeHead)
	var path []string
	comment := ""
	for line := range strings.Lines(string(values)) {
		text := strings.TrimSpace(line)
		indent := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		name, _, isKey := strings.Cut(text, ":")
		switch {
		case text == "":
			comment = ""
		case strings.HasPrefix(text, "#"):
			comment = strings.TrimSpace(comment + " " + strings.TrimSpace(strings.TrimPrefix(text, "#")))
		case isKey && indent <= len(path) && !strings.HasPrefix(text, "- "):
			path = append(path[:indent], name)
			if err := row(out, all, path, comment); err != nil {
				return nil, err
			}
			comment = ""
		}
	}
	return out.Bytes(), nil
}

// asText keeps a cell of a table from ending early, and <host> from being taken for HTML, which is not shown.
var asText = strings.NewReplacer("|", "\\|", "<", "&lt;")

// row writes what is known of one value. A map of other values has a row only where something is said of it.
func row(out *bytes.Buffer, all map[string]any, path []string, comment string) error {
	var value any = all
	for _, name := range path {
		within, ok := value.(map[string]any)
		if !ok {
			return nil // part of a default that was shown whole
		}
		value = within[name]
	}
	shown, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if within, ok := value.(map[string]any); ok && len(within) > 0 {
		if comment == "" {
			return nil
		}
		shown = nil
	}
	code := ""
	if len(shown) > 0 {
		code = "`" + string(shown) + "`"
	}
	fmt.Fprintf(out, "| `%s` | %s | %s |\n", strings.Join(path, "."), code, asText.Replace(comment))
	return nil
}
