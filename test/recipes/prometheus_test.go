// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// answersTheQueries has a Prometheus read kube-state-metrics, and asks it what docs/recipes/kube-state-metrics.md does.
func answersTheQueries(t *testing.T, address, failed, running string) {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Log("SKIPPED: the queries, since prometheus is not there")
		return
	}
	g := NewWithT(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	g.Expect(os.WriteFile(config, []byte(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: kube-state-metrics, honor_labels: true, static_configs: [{targets: ["`+address+`"]}]}]
`), 0o600)).To(Succeed())
	port := freePort(t)
	stop := startTool(t, binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:"+port)
	defer stop()

	page, err := os.ReadFile("../../docs/recipes/kube-state-metrics.md")
	g.Expect(err).NotTo(HaveOccurred())
	queries := regexp.MustCompile("(?m)^\\| `([^`]*livepeer_[^`]+)` \\|").FindAllStringSubmatch(string(page), -1)
	source := HaveKeyWithValue("source", "main")
	want := []OmegaMatcher{
		ConsistOf(And(source, HaveKeyWithValue("reason", "Unavailable"))),
		ConsistOf(source),
		ConsistOf(HaveLen(1)),
		ConsistOf(source),
		ConsistOf(HaveKeyWithValue("task", failed)),
		ConsistOf(HaveKeyWithValue("task", running)),
	}
	g.Expect(queries).To(HaveLen(len(want)))
	for i, query := range queries {
		g.Eventually(func(g Gomega) {
			var answer struct {
				Data struct {
					Result []struct{ Metric map[string]string }
				}
			}
			body := get(t, g, "http://127.0.0.1:"+port+"/api/v1/query?query="+url.QueryEscape(query[1]))
			g.Expect(json.Unmarshal(body, &answer)).To(Succeed(), "%s", body)
			var labels []map[string]string
			for _, result := range answer.Data.Result {
				if result.Metric["namespace"] == "metrics" { // of this test
					labels = append(labels, result.Metric)
				}
			}
			g.Expect(labels).To(want[i], "%s: %s", query[1], body)
		}, 2*time.Minute, time.Second).Should(Succeed())
	}
}
