// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"bytes"
	_ "embed"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/livepeer/livepeer-task-operator/internal/metrics"
)

//go:embed metrics.md.tmpl
var text string

// PageFile is docs/metrics.md.
func PageFile(root string) string { return filepath.Join(root, "docs", "metrics.md") }

// Page makes docs/metrics.md: a table of all metrics, and one of all alerts.
func Page(root string) ([]byte, error) {
	rules, err := ReadRules(root)
	if err != nil {
		return nil, err
	}
	tmpl, err := template.New("metrics.md").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = tmpl.Execute(&out, map[string]any{
		"Metrics": metricsTable(), "Alerts": alertsTable(rules), "Tasks": metrics.Types * metrics.Phases,
	})
	return out.Bytes(), err
}

func metricsTable() string {
	var out strings.Builder
	out.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, d := range metrics.Definitions() {
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", d.Name, d.Type, strings.Join(d.Labels, ", "), d.Help)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// value is what an alert says of its own value: no cell of a table has one, and the | in it would end the cell.
var value = regexp.MustCompile(`{{[^}]*}}`)

func alertsTable(rules *Rules) string {
	var out strings.Builder
	out.WriteString("| alert | severity | after | meaning |\n|---|---|---|---|\n")
	for _, rule := range rules.All() {
		fmt.Fprintf(&out, "| [%s](runbook.md#%s) | %s | %s | %s |\n",
			rule.Alert, strings.ToLower(rule.Alert), rule.Labels["severity"], rule.For,
			value.ReplaceAllString(rule.Annotations["description"], "…"))
	}
	return strings.TrimSuffix(out.String(), "\n")
}
