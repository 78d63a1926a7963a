// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

func root(g Gomega) string {
	root, err := controlplane.RepoRoot()
	g.Expect(err).NotTo(HaveOccurred())
	return root
}

// A metric or an alert that was added or changed must be seen in docs/metrics.md.
func TestPageIsUpToDate(t *testing.T) {
	g := NewWithT(t)
	want, err := Page(root(g))
	g.Expect(err).NotTo(HaveOccurred())
	got, err := os.ReadFile(PageFile(root(g)))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(got)).To(Equal(string(want)), "run make manifests")
}

// TestAlerts: Prometheus takes the rules, and each fires where it should and nowhere else.
func TestAlerts(t *testing.T) {
	g := NewWithT(t)
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: alert rules are not tried (on Debian, it is in the package prometheus)")
	}
	rules, err := ReadRules(root(g))
	g.Expect(err).NotTo(HaveOccurred())
	raw, err := yaml.Marshal(rules)
	g.Expect(err).NotTo(HaveOccurred())
	units, err := os.ReadFile("testdata/alerts.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	dir := t.TempDir()
	g.Expect(os.WriteFile(filepath.Join(dir, "rules.yaml"), raw, 0o600)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(dir, "alerts.yaml"), units, 0o600)).To(Succeed())
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "alerts.yaml"}} {
		command := exec.CommandContext(t.Context(), promtool, args...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(out))
	}
}

// TestEachAlertIsTried: of each alert, one test has it fire, and one has it not.
func TestEachAlertIsTried(t *testing.T) {
	g := NewWithT(t)
	raw, err := os.ReadFile("testdata/alerts.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	units := struct {
		Tests []struct {
			Rules []struct {
				Name   string `json:"alertname"`
				Alerts []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}{}
	g.Expect(yaml.Unmarshal(raw, &units)).To(Succeed())
	fires, rests := map[string]bool{}, map[string]bool{}
	for _, unit := range units.Tests {
		for _, rule := range unit.Rules {
			fires[rule.Name] = fires[rule.Name] || len(rule.Alerts) > 0
			rests[rule.Name] = rests[rule.Name] || len(rule.Alerts) == 0
		}
	}
	rules, err := ReadRules(root(g))
	g.Expect(err).NotTo(HaveOccurred())
	for _, rule := range rules.All() {
		g.Expect(fires[rule.Alert]).To(BeTrue(), "%s never fires", rule.Alert)
		g.Expect(rests[rule.Alert]).To(BeTrue(), "%s always fires", rule.Alert)
	}
}

// TestRunbook: each alert points to a section, and each reason of a source has one, a row, and a place in the page of sources.
func TestRunbook(t *testing.T) {
	g := NewWithT(t)
	raw, err := os.ReadFile(filepath.Join(root(g), "docs", "runbook.md"))
	g.Expect(err).NotTo(HaveOccurred())
	sections := map[string]string{}
	for section := range strings.SplitSeq(string(raw), "\n### ") {
		title, body, _ := strings.Cut(section, "\n")
		sections[strings.ToLower(title)] = body
	}
	const file = "api/v1alpha1/constants.go"
	ofReady := constants(g, file, "Reasons of a LivepeerTaskSource's conditions")
	g.Expect(ofReady).To(HaveKey("PruningPaused"))
	page, err := os.ReadFile(filepath.Join(root(g), "docs", "livepeertasksource.md"))
	g.Expect(err).NotTo(HaveOccurred())
	for reason := range ofReady {
		g.Expect(strings.Contains(string(page), "`"+reason+"`")).To(BeTrue(), "Status, in docs/livepeertasksource.md, lacks %s", reason)
		row := "\n| [`" + reason + "`](#" + strings.ToLower(reason) + ") |"
		g.Expect(strings.Contains(string(raw), row)).To(BeTrue(), "the table of reasons in docs/runbook.md lacks %s", reason)
	}
	wanted := slices.AppendSeq(slices.Collect(maps.Keys(ofReady)), maps.Keys(constants(g, file, "Reasons of the condition")))
	g.Expect(wanted).To(ContainElements("SinkRefused", "SharedWebhookSecret"))
	rules, err := ReadRules(root(g))
	g.Expect(err).NotTo(HaveOccurred())
	for _, rule := range rules.All() {
		url := rule.Annotations["runbook_url"]
		g.Expect(url).To(HaveSuffix("/docs/runbook.md#"+strings.ToLower(rule.Alert)), rule.Alert)
		wanted = append(wanted, rule.Alert)
	}
	for _, title := range wanted {
		body := sections[strings.ToLower(title)]
		for _, part := range []string{"**Means**: ", "**Look**: ", "**Do**: "} {
			g.Expect(body).To(ContainSubstring(part), "docs/runbook.md has no section ### %s with Means, Look and Do", title)
		}
	}
}

// TestAnswers: each kind of error of the API has a row where the page of the API says what follows from it, is a result in the page of
// metrics, and is tried by the tests of the client, of what a source's condition says, of faults, and of credentials in an answer.
func TestAnswers(t *testing.T) {
	g := NewWithT(t)
	kinds := constants(g, "internal/studio/errors.go", "Kinds of Error")
	g.Expect(kinds).To(HaveKey("RateLimited"))
	has := func(file, text string) {
		raw, err := os.ReadFile(filepath.Join(root(g), file))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(strings.Contains(string(raw), text)).To(BeTrue(), "%s lacks %s", file, text)
	}
	for value, name := range kinds {
		has("hack/monitoring/metrics.md.tmpl", "`"+value+"`")
		has("internal/studio/errors_test.go", ", "+name+", ")
		has("internal/syncstate/outcome_test.go", "api(studio."+name+",")
		if value != "NotFound" { // Malformed, where a list is not found
			has("docs/livepeer-api.md", "| `"+value+"`")
			has("internal/controller/faults_test.go", "v1alpha1.Reason"+name)
			has("internal/controller/canary_troubles_test.go", "v1alpha1.Reason"+name)
		}
	}
}

// constants returns the names of the constants in a file by their values, of those groups whose comment begins so.
func constants(g Gomega, file, comment string) map[string]string {
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(g), file), nil, parser.ParseComments)
	g.Expect(err).NotTo(HaveOccurred())
	names := map[string]string{}
	for _, declaration := range tree.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || !strings.HasPrefix(group.Doc.Text(), comment) {
			continue
		}
		for _, spec := range group.Specs {
			constant := spec.(*ast.ValueSpec)
			value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
			g.Expect(err).NotTo(HaveOccurred())
			names[value] = constant.Names[0].Name
		}
	}
	return names
}

// TestUnknown: what is not exported is found, wherever in a query it stands.
func TestUnknown(t *testing.T) {
	exported := map[string][]string{"a_total": {"x", "y"}, "d_seconds": {"x"}}
	for query, want := range map[string][]string{
		`sum by (x) (rate(a_total{y=~"b|c{}",x!="d"}[5m])) / 2 > 0.5`:                                     nil,
		`histogram_quantile(0.9, sum by (x, le) (rate(d_seconds_bucket[1h])))`:                            nil,
		`a_total and on (job, instance) d_seconds_count{job="j"} unless on (x) max by (x) (a_total) == 1`: nil,
		`time() - max(b_total)`:          {`metric "b_total"`},
		`a_total{z="1"}`:                 {`label "z" of "a_total"`},
		`sum by (z) (a_total)`:           {`label "z"`},
		`d_seconds_bucket{y="1"}`:        {`label "y" of "d_seconds_bucket"`},
		`absent(c{name="a_total"} == 1)`: {`metric "c"`},
		`a_total + ignoring (x) d_sum`:   {`metric "d_sum"`},
	} {
		g := NewWithT(t)
		g.Expect(Unknown(query, exported)).To(Equal(want), query)
	}
}
