// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Argo Events' own webhook event source, with the EventSource of docs/cloudevents.md save for its port, at the sink that the page names, and
// its own code for the filters of the page's Sensor: what the operator's own binary sends of tasks that completed comes through, once.
func TestArgoEventsWebhook(t *testing.T) {
	binary := tool(t, "argo-events")
	c := newGitopsCluster(t)
	port := freePort(t)
	source := documented(t, "EventSource")
	c.Expect(unstructured.SetNestedField(source.Object, port, "spec", "webhook", "tasks", "port")).To(Succeed())
	passed := startWebhook(t, binary, source, said(t, "(?ms)^```yaml\n(dependencies:.*?)^```$"))
	c.Eventually(answers, gitopsBound).WithArguments("http://127.0.0.1:" + port + "/health").Should(Succeed())
	sink := said(t, "`(http://livepeer-eventsource-svc[^`]+)`")
	host := strings.Split(strings.TrimPrefix(sink, "http://"), "/")[0]
	startServices(t, map[string]string{host: "127.0.0.1:" + port}, nil)

	newNamespace(t, c, "media")
	lives := c.notifying(sink, "--allowed-hosts=*,"+host)
	lives.enter("one", "running")
	lives.enter("one", "completed")
	lives.enter("two", "failed")
	lives.enter("three", "completed")
	c.delivering(v1alpha1.ReasonDelivered)
	c.Eventually(c.waiting, gitopsBound).Should(BeEmpty())
	c.Expect(passed()).To(ConsistOf("one completed", "three completed"), "it answers once the bus has the event")
}

// startWebhook returns what came through the filters of the Sensor so far: of each event the task and the phase.
func startWebhook(t *testing.T, binary string, source *unstructured.Unstructured, sensor string) func() []string {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	raw, err := yaml.Marshal(source.Object)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.WriteFile(filepath.Join(dir, "source.yaml"), raw, 0o600)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(dir, "sensor.yaml"), []byte(sensor), 0o600)).To(Succeed())
	lines := startArgoEvents(t, binary, filepath.Join(dir, "source.yaml"), filepath.Join(dir, "sensor.yaml"))
	return func() (events []string) {
		for line := range lines() {
			var event struct {
				Body struct {
					Subject string
					Data    struct{ Phase string }
				}
			}
			if json.Unmarshal([]byte(line), &event) == nil && event.Body.Subject != "" {
				events = append(events, event.Body.Subject+" "+event.Body.Data.Phase)
			}
		}
		return events
	}
}
