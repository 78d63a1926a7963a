// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// Argo Events' own resource event source, with the rights that the page gives, sends the tasks that the page promises.
func TestArgoEvents(t *testing.T) {
	binary := tool(t, "argo-events")
	g := NewWithT(t)
	c := newClient(t)
	source := lastOf(t, "argo-events.md", "EventSource")
	applyPage(t, "argo-events.md", "EventBus", "EventSource", "Sensor") // whose CRDs the event source does without
	withoutOperation := source.DeepCopy()
	fields := []any{map[string]any{"key": "status.phase", "value": "completed"}}
	g.Expect(unstructured.SetNestedSlice(withoutOperation.Object, fields, "spec", "resource", "completed", "filter", "fields")).To(Succeed())

	sent, sentWithout := startEventSource(t, binary, source), startEventSource(t, binary, withoutOperation)
	// An event source says nothing of what was there before it: until it is seen to listen, tasks complete one after the other.
	g.Eventually(func() []string {
		completeTask(t, c, "media", "main", "probe-"+time.Now().Format("150405.000000"))
		return sent()
	}, 2*time.Minute, time.Second).ShouldNot(BeEmpty())

	completeTask(t, c, "media", "other", "of-another-source")
	completeTask(t, c, "elsewhere", "main", "elsewhere")
	failed := newTask(t, c, "media", `{"id":"failed","type":"upload","status":{"phase":"running"}}`)
	setPhase(t, c, "media", failed, "failed")
	completeTask(t, c, "media", "main", "last")
	g.Eventually(sent, time.Minute).Should(ContainElement("last"))
	for _, id := range sent() {
		g.Expect(id).To(Or(HavePrefix("probe-"), Equal("last")))
	}
	g.Expect(sentWithout()).To(BeEmpty())
}

// startEventSource returns the IDs of the tasks that it sent so far.
func startEventSource(t *testing.T, binary string, source *unstructured.Unstructured) func() []string {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	raw, err := yaml.Marshal(source.Object)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.WriteFile(filepath.Join(dir, "source.yaml"), raw, 0o600)).To(Succeed())
	account, err := cluster.ServiceAccountConfig(t.Context(), "media", "livepeer-events")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(controlplane.WriteKubeconfig(filepath.Join(dir, "kubeconfig"), account, "media")).To(Succeed())
	t.Setenv("KUBECONFIG", filepath.Join(dir, "kubeconfig"))
	lines := startArgoEvents(t, binary, filepath.Join(dir, "source.yaml"))
	return func() (ids []string) {
		for line := range lines() {
			var event struct{ Body v1alpha1.LivepeerTask }
			if json.Unmarshal([]byte(line), &event) == nil && event.Body.Spec.ID != "" {
				ids = append(ids, event.Body.Spec.ID)
			}
		}
		return ids
	}
}

// startArgoEvents runs Argo Events' code for the files, and returns the lines that it has printed so far.
func startArgoEvents(t *testing.T, binary string, paths ...string) func() iter.Seq[string] {
	t.Helper()
	out := gbytes.NewBuffer()
	cmd := exec.CommandContext(t.Context(), binary, paths...)
	cmd.Stdout = out
	NewWithT(t).Expect(cmd.Start()).To(Succeed())
	t.Cleanup(func() { _ = cmd.Wait() }) // the context of the test has ended it
	return func() iter.Seq[string] { return strings.SplitSeq(string(out.Contents()), "\n") }
}

// completeTask lets a task run and complete.
func completeTask(t *testing.T, c client.Client, namespace, source, id string) {
	t.Helper()
	g := NewWithT(t)
	newNamespace(t, c, namespace)
	task, status := newTaskWithoutStatus(t, c, namespace, `{"id":"`+id+`","type":"upload","status":{"phase":"running"}}`)
	task.Labels[v1alpha1.LabelSource] = source
	g.Expect(c.Update(t.Context(), task)).To(Succeed())
	task.Status = status
	g.Expect(c.Status().Update(t.Context(), task)).To(Succeed())
	setPhase(t, c, namespace, task.Name, "completed")
}

func setPhase(t *testing.T, c client.Client, namespace, name, phase string) {
	t.Helper()
	g := NewWithT(t)
	task := &v1alpha1.LivepeerTask{}
	g.Expect(c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, task)).To(Succeed())
	task.Status.Phase = phase
	g.Expect(c.Status().Update(t.Context(), task)).To(Succeed())
}
