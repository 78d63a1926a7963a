// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/freeport"
)

// kube-state-metrics itself, as the ServiceAccount of the page, shows objects that a real API server stored: each series that
// the page and the files of config/kube-state-metrics promise, and nothing in its log for what a task has not yet.
func TestKubeStateMetrics(t *testing.T) {
	binary := tool(t, "kube-state-metrics")
	g := NewWithT(t)
	c := newClient(t)
	source := newSource(t, c, "metrics", metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonUnavailable,
	}, metav1.Condition{
		Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonUnavailable,
	}, metav1.Condition{
		Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonUnavailable,
	})
	source.Status.Tasks = v1alpha1.TaskCounts{Total: 9, Running: 2, Failed: 3, Completed: 4, Stalled: 1, Omitted: 7}
	at := metav1.NewTime(time.Unix(1700000000, 0))
	source.Status.LastPollTime, source.Status.LastFullSyncTime = &at, &at
	g.Expect(c.Status().Update(t.Context(), source)).To(Succeed())
	running := newTask(t, c, "metrics", `{"id":"ksm-running","type":"upload","outputAssetId":"asset-1",
		"status":{"phase":"running","progress":0.5,"updatedAt":1700000001000}}`)
	waiting := newTask(t, c, "metrics", `{"id":"ksm-waiting","type":"clip","status":{"phase":"waiting","updatedAt":1700000001000}}`)
	failed := newTask(t, c, "metrics", `{"id":"ksm-failed","type":"clip","status":{"phase":"failed","updatedAt":1700000001000}}`)
	newTaskWithoutStatus(t, c, "metrics", `{"id":"ksm-new","type":"clip","status":{"phase":"waiting"}}`)
	newSourceWithoutStatus(t, c, "metrics-new")
	applyPage(t, "kube-state-metrics.md")

	for _, withTasks := range []bool{false, true} {
		address, stop := startKubeStateMetrics(t, binary, withTasks)
		metrics := seriesAt(t, address, withTasks)
		if withTasks {
			answersTheQueries(t, address, failed, running)
		}
		log := stop()
		of := `namespace="metrics",source="main"`
		for _, series := range []string{
			`livepeer_tasksource_info{` + of + `,url="https://livepeer.studio/api"} 1`,
			`livepeer_tasksource_suspended{` + of + `} 0`,
			`livepeer_tasksource_condition{namespace="metrics",reason="Unavailable",source="main",type="Ready"} 0`,
			`livepeer_tasksource_condition{namespace="metrics",reason="Unavailable",source="main",type="Reconciling"} 1`,
			`livepeer_tasksource_last_poll_timestamp_seconds{` + of + `} 1.7e+09`,
			`livepeer_tasksource_last_full_sync_timestamp_seconds{` + of + `} 1.7e+09`,
			`livepeer_tasksource_tasks_pending{` + of + `} 0`,
			`livepeer_tasksource_tasks_running{` + of + `} 2`,
			`livepeer_tasksource_tasks_failed{` + of + `} 3`,
			`livepeer_tasksource_tasks_completed{` + of + `} 4`,
			`livepeer_tasksource_tasks_stalled{` + of + `} 1`,
			`livepeer_tasksource_tasks_omitted{` + of + `} 7`,
			`livepeer_tasksource_info{namespace="metrics-new",source="main",url="https://livepeer.studio/api"} 1`,
		} {
			g.Expect(metrics).To(ContainElement(series))
		}
		g.Expect(countOf(metrics, `^livepeer_tasksource_.*namespace="metrics",.*source="main"`)).To(Equal(14+3), "series of a source with three conditions")
		g.Expect(log).NotTo(MatchRegexp(`(?m)^[EW][0-9]`), "an error or a warning, as for what an object has not yet")
		if !withTasks {
			g.Expect(countOf(metrics, `^livepeer_task_`)).To(BeZero())
			continue
		}
		for _, series := range []string{
			`livepeer_task_info{namespace="metrics",output_asset="asset-1",source="main",task="` + running + `",type="upload"} 1`,
			`livepeer_task_phase{namespace="metrics",phase="running",task="` + running + `"} 1`,
			`livepeer_task_phase{namespace="metrics",phase="failed",task="` + running + `"} 0`,
			`livepeer_task_progress_percent{namespace="metrics",task="` + running + `"} 50`,
			`livepeer_task_updated_timestamp_seconds{namespace="metrics",task="` + running + `"} 1.700000001e+09`,
			`livepeer_task_phase{namespace="metrics",phase="waiting",task="` + waiting + `"} 1`,
		} {
			g.Expect(metrics).To(ContainElement(series))
		}
		g.Expect(countOf(metrics, `task="`+running+`"`)).To(Equal(9))
		g.Expect(countOf(metrics, `task="`+waiting+`"`)).To(Equal(8))
	}
}

// startKubeStateMetrics runs it until the returned function is called, which says what it logged.
func startKubeStateMetrics(t *testing.T, binary string, withTasks bool) (address string, stop func() (log string)) {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	config, err := os.ReadFile("../../config/kube-state-metrics/sources.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	if withTasks {
		tasks, err := os.ReadFile("../../config/kube-state-metrics/tasks.yaml")
		g.Expect(err).NotTo(HaveOccurred())
		config = append(config, tasks...)
	}
	g.Expect(os.WriteFile(filepath.Join(dir, "livepeer.yaml"), config, 0o600)).To(Succeed())
	account, err := cluster.ServiceAccountConfig(t.Context(), "monitoring", "kube-state-metrics")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(controlplane.WriteKubeconfig(filepath.Join(dir, "kubeconfig"), account, "monitoring")).To(Succeed())
	port := freePort(t)
	return "127.0.0.1:" + port, startTool(t, binary, "--kubeconfig="+filepath.Join(dir, "kubeconfig"),
		"--custom-resource-state-only=true", "--custom-resource-state-config-file="+filepath.Join(dir, "livepeer.yaml"),
		"--host=127.0.0.1", "--port="+port, "--telemetry-host=127.0.0.1", "--telemetry-port="+freePort(t))
}

// startTool runs a program until the returned function is called, which says what it printed; or until the end of the test, which logs that
// where it has failed.
func startTool(t *testing.T, binary string, args ...string) (stop func() (out string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // so that it ends what it has started itself
	cmd.WaitDelay = 20 * time.Second
	NewWithT(t).Expect(cmd.Start()).To(Succeed())
	stop = sync.OnceValue(func() string {
		cancel()
		_ = cmd.Wait()
		return out.String()
	})
	t.Cleanup(func() {
		if said := stop(); t.Failed() {
			t.Log(filepath.Base(binary), said)
		}
	})
	return stop
}

// seriesAt returns the series that kube-state-metrics shows, without the labels that are the same for all.
func seriesAt(t *testing.T, address string, withTasks bool) (series []string) {
	t.Helper()
	sameForAll := regexp.MustCompile(`customresource_[a-z]+="[^"]*",?`)
	last := "livepeer_tasksource_tasks_omitted"
	if withTasks {
		last = "livepeer_task_updated_timestamp_seconds"
	}
	NewWithT(t).Eventually(func(g Gomega) {
		body := get(t, g, "http://"+address+"/metrics")
		g.Expect(string(body)).To(ContainSubstring(last + "{"))
		series = strings.Split(sameForAll.ReplaceAllString(string(body), ""), "\n")
	}, 2*time.Minute, time.Second).Should(Succeed())
	return series
}

func get(t *testing.T, g Gomega, url string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	answer, err := http.DefaultClient.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	g.Expect(err).NotTo(HaveOccurred())
	return body
}

func countOf(series []string, pattern string) (n int) {
	matches := regexp.MustCompile(pattern)
	for _, line := range series {
		if !strings.HasPrefix(line, "#") && matches.MatchString(line) {
			n++
		}
	}
	return n
}

// freePort is a port that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	port, err := freeport.Port(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	return port
}
