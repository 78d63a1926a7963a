// SPDX-License-Identifier: Apache-2.0

// Package monitoring reads the alert rules and the dashboard of config/, so that tests can compare them with what the
// operator exports, and writes docs/metrics.md.
package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Rule is one alert.
type Rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// Group is a group of rules, as Prometheus reads them.
type Group struct {
	Name  string `json:"name"`
	Rules []Rule `json:"rules"`
}

// Rules are the groups of a rule file.
type Rules struct {
	Groups []Group `json:"groups"`
}

// ReadRules reads the PrometheusRule of config/prometheus.
func ReadRules(root string) (*Rules, error) {
	raw, err := os.ReadFile(filepath.Join(root, "config", "prometheus", "rules.yaml")) //nolint:gosec // a file of the repository
	if err != nil {
		return nil, err
	}
	object := struct {
		Spec Rules `json:"spec"`
	}{}
	return &object.Spec, yaml.Unmarshal(raw, &object)
}

// All lists the rules of all groups.
func (r *Rules) All() []Rule {
	var all []Rule
	for _, group := range r.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// Panel is one diagram of the dashboard.
type Panel struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Type        string `json:"type"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []Target `json:"targets"`
}

// Target is one query of a panel.
type Target struct {
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
}

// Dashboard is what matters here of a dashboard of Grafana.
type Dashboard struct {
	Panels     []Panel `json:"panels"`
	Templating struct {
		List []struct {
			Name  string          `json:"name"`
			Query json.RawMessage `json:"query"`
		} `json:"list"`
	} `json:"templating"`
}

// ReadDashboard reads the dashboard of config/grafana.
func ReadDashboard(root string) (*Dashboard, error) {
	raw, err := os.ReadFile(filepath.Join(root, "config", "grafana", "dashboard.json")) //nolint:gosec // a file of the repository
	if err != nil {
		return nil, err
	}
	dashboard := &Dashboard{}
	return dashboard, json.Unmarshal(raw, dashboard)
}

// Queries returns all queries of rules and dashboard, each under the name of where it is.
func Queries(root string) (map[string]string, error) {
	rules, err := ReadRules(root)
	if err != nil {
		return nil, err
	}
	dashboard, err := ReadDashboard(root)
	if err != nil {
		return nil, err
	}
	queries := map[string]string{}
	for _, rule := range rules.All() {
		queries["alert "+rule.Alert] = rule.Expr
	}
	for _, panel := range dashboard.Panels {
		for i, target := range panel.Targets {
			queries[fmt.Sprintf("panel %s, query %d", panel.Title, i+1)] = Plain(target.Expr)
		}
	}
	return queries, nil
}

// Plain replaces the variables of the dashboard: all namespaces and sources, and the last 5 minutes.
func Plain(expr string) string {
	return strings.NewReplacer("$namespace", ".*", "$source", ".*", "$__rate_interval", "5m", "$__range", "1h").Replace(expr)
}

var (
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	grouping = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	matchers = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)?\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)`)
	duration = regexp.MustCompile(`\[[^\]]*\]`)
	word     = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`)
	keywords = []string{"and", "or", "unless", "bool", "offset"}
)

// Uses returns the names of the metrics in a query, each with the labels that it is selected by; and the labels that the query
// groups by. It knows as much of PromQL as the rules and the dashboard use.
func Uses(query string) (metrics map[string][]string, groups []string) {
	metrics = map[string][]string{}
	query = quoted.ReplaceAllString(query, `""`)
	query = duration.ReplaceAllString(query, "")
	for _, found := range grouping.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(found[2], ",") {
			if label = strings.TrimSpace(label); label != "" {
				groups = append(groups, label)
			}
		}
	}
	query = grouping.ReplaceAllString(query, "")
	for _, found := range matchers.FindAllStringSubmatch(query, -1) {
		for _, label := range matcher.FindAllStringSubmatch(found[2], -1) {
			metrics[found[1]] = append(metrics[found[1]], label[1])
		}
	}
	query = matchers.ReplaceAllString(query, "$1 ")
	for _, name := range word.FindAllString(query, -1) {
		name = strings.TrimSpace(name)
		if !strings.HasSuffix(name, "(") && !slices.Contains(keywords, name) {
			metrics[name] = append(metrics[name], []string{}...)
		}
	}
	return metrics, groups
}
