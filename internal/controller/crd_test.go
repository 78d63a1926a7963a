// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/internal/crdcheck"
)

// kubectl runs the real kubectl as an administrator, in the world's namespace, with stdin.
func (w *world) kubectl(stdin string, args ...string) (string, error) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "kubeconfig")
	w.Expect(controlplane.WriteKubeconfig(path, cluster.Config(), w.namespace)).To(Succeed())
	command := exec.CommandContext(w.ctx, cluster.Kubectl(), append([]string{"--kubeconfig", path}, args...)...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	return string(out), err
}

const minimalSource = `{"apiVersion": "studio.livepeer.org/v1alpha1", "kind": "LivepeerTaskSource",
	"metadata": {"name": "main"}, "spec": `

// TestSourceOfAProgram: what a program leaves unset is left to the API server, as with kubectl.
func TestSourceOfAProgram(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	source := &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "main"}}
	source.Spec.SecretRef.Name = "livepeer"
	w.Expect(w.client.Create(w.ctx, source)).To(Succeed())
	w.Expect(source.Spec.Interval.Duration).To(Equal(10 * time.Second))
	w.Expect(source.Spec.ResyncInterval.Duration).To(Equal(10 * time.Minute))
	w.Expect(source.Spec.Timeout.Duration).To(Equal(30 * time.Second))
}

func TestSourceDefaults(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	out, err := w.kubectl(minimalSource+`{"secretRef": {"name": "livepeer"}}}`, "apply", "-f", "-")
	w.Expect(err).NotTo(HaveOccurred(), out)
	spec := w.getSource("main").Spec
	w.Expect(spec.URL).To(Equal("https://livepeer.studio/api"))
	w.Expect(spec.Interval.Duration).To(Equal(10 * time.Second))
	w.Expect(spec.ResyncInterval.Duration).To(Equal(10 * time.Minute))
	w.Expect(spec.Timeout.Duration).To(Equal(30 * time.Second))
	w.Expect(spec.History.MaxTasks).To(HaveValue(BeEquivalentTo(10000)))
	w.Expect(spec.History.MaxAge).To(BeNil())
	w.Expect(spec.Types).To(BeEmpty())
	w.Expect(spec.Suspend).To(BeFalse())
}

// rules returns the messages of the rules that a source's spec has to keep to.
func (w *world) rules() (messages []string) {
	w.t.Helper()
	raw, err := os.ReadFile("../../config/crd/bases/studio.livepeer.org_livepeertasksources.yaml")
	w.Expect(err).NotTo(HaveOccurred())
	var definition apiextensionsv1.CustomResourceDefinition
	w.Expect(yaml.Unmarshal(raw, &definition)).To(Succeed())
	var collect func(apiextensionsv1.JSONSchemaProps)
	collect = func(of apiextensionsv1.JSONSchemaProps) {
		for _, rule := range of.XValidations {
			messages = append(messages, rule.Message)
		}
		for _, field := range of.Properties {
			collect(field)
		}
	}
	collect(definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"])
	w.Expect(len(messages)).To(BeNumerically(">", 10))
	return messages
}

// ofDurations begins, behind the name of the field, the messages that TestBadDurationsAreRefused looks for.
const ofDurations = " must be hours, minutes and seconds, such as "

// TestBadSourcesAreRefused: with a message that says what to change. Each rule of the schema is broken once.
func TestBadSourcesAreRefused(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	rules := slices.DeleteFunc(w.rules(), func(message string) bool { return strings.Contains(message, ofDurations) })
	for spec, message := range map[string]string{
		`{"secretRef": {"name": "a"}, "url": "https://user:key@livepeer.studio/api"}`:                                                "url must not carry user info",
		`{"secretRef": {"name": "a"}, "url": "https://livepeer.studio/api?key=1"}`:                                                   "url must not carry user info, a query",
		`{"secretRef": {"name": "a"}, "url": "ftp://livepeer.studio/api"}`:                                                           "url must be an http or https URL",
		`{"secretRef": {"name": "a"}, "url": "livepeer.studio"}`:                                                                     "url must be an http or https URL",
		`{"secretRef": {"name": "a"}, "interval": "500ms"}`:                                                                          "interval must be a duration of at least 1s",
		`{"secretRef": {"name": "a"}, "interval": "15m"}`:                                                                            "resyncInterval must not be shorter than interval",
		`{"secretRef": {"name": "a"}, "resyncInterval": "500ms"}`:                                                                    "resyncInterval must be a duration of at least 1s",
		`{"secretRef": {"name": "a"}, "stallAfter": "30s"}`:                                                                          "stallAfter must be a duration of at least 1m",
		`{"secretRef": {"name": "a"}, "timeout": "1h"}`:                                                                              "timeout must be a duration from 1s to 10m",
		`{"secretRef": {"name": "a"}, "history": {"maxTasks": -1}}`:                                                                  "should be greater than or equal to 0",
		`{"secretRef": {"name": "a"}, "history": {"maxAge": "0s"}}`:                                                                  "maxAge must be a duration of at least 1s",
		`{"secretRef": {"name": "a"}, "notify": {"cloudEvents": {"sink": "https://me:key@sink.example"}}}`:                           "sink must not carry user info",
		`{"secretRef": {"name": "a"}, "notify": {"cloudEvents": {"sink": "https://sink.example?t=1"}}}`:                              "sink must not carry user info, a query",
		`{"secretRef": {"name": "a"}, "notify": {"cloudEvents": {"sink": "sink.example"}}}`:                                          "sink must be an http or https URL",
		`{"secretRef": {"name": "a"}, "notify": {"cloudEvents": {}}}`:                                                                "sink: Required value",
		`{"secretRef": {"name": "a/b"}}`:                                                                                             "name must be the name of a Secret: lower-case letters",
		`{"secretRef": {"name": ".."}}`:                                                                                              "name must be the name of a Secret",
		`{"secretRef": {"name": "A"}}`:                                                                                               "name must be the name of a Secret",
		`{"secretRef": {"name": "a\nb"}}`:                                                                                            "name must be the name of a Secret",
		`{"secretRef": {"name": "a."}}`:                                                                                              "name must be the name of a Secret",
		`{"secretRef": {"name": "a"}, "notify": {"cloudEvents": {"sink": "https://sink.example", "secretRef": {"name": "a/../b"}}}}`: "name must be the name of a Secret",
		`{"secretRef": {"name": ""}}`:                                                                                                "secretRef.name",
		`{}`:                                                                                                                         "secretRef: Required value",
	} {
		out, err := w.kubectl(minimalSource+spec+"}", "apply", "-f", "-")
		w.Expect(err).To(HaveOccurred(), spec)
		w.Expect(out).To(ContainSubstring(message), spec)
		rules = slices.DeleteFunc(rules, func(message string) bool { return strings.Contains(out, message) })
	}
	w.Expect(rules).To(BeEmpty(), "no source breaks these rules")
}

// TestBadDurationsAreRefused: in every field that is one, with a message that names the units and an example, and nothing of how
// durations are read inside.
func TestBadDurationsAreRefused(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	var fields []string
	for _, message := range w.rules() {
		if field, _, found := strings.Cut(message, ofDurations); found {
			fields = append(fields, field)
		}
	}
	w.Expect(fields).To(ContainElements("interval", "maxAge"))
	for _, field := range fields {
		for _, value := range []string{"1d", "1d12h", "P1D", "2w", "soon", "", "10", "-5m", "1h 5m", "1,5h", "9999999h", "999999999999999999999h"} {
			spec := fmt.Sprintf(`%q: %q`, field, value)
			if field == "maxAge" {
				spec = fmt.Sprintf(`"history": {%s}`, spec)
			}
			out, err := w.kubectl(minimalSource+`{"secretRef": {"name": "a"}, `+spec+"}}", "apply", "-f", "-")
			w.Expect(err).To(HaveOccurred(), spec)
			w.Expect(out).To(ContainSubstring(field+ofDurations), spec)
			w.Expect(out).NotTo(Or(ContainSubstring("proto"), ContainSubstring("at least"), ContainSubstring("shorter"), ContainSubstring("duration(")), spec)
		}
	}
	for _, value := range []string{"1s", "90m", "1h30m", "1.5h", "1h0m30s", "1500ms", "1m0.5s"} {
		spec := fmt.Sprintf(`{"secretRef": {"name": "a"}, "interval": %q, "resyncInterval": "24h"}}`, value)
		out, err := w.kubectl(minimalSource+spec, "apply", "-f", "-")
		w.Expect(err).NotTo(HaveOccurred(), out)
	}
}

// TestTheCRDsHaveEveryField: the API server serves all that this version writes, and what looks for older CRDs says nothing.
func TestTheCRDsHaveEveryField(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	g := NewWithT(t)
	asked, err := discovery.NewDiscoveryClientForConfig(cluster.Config())
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func() ([]string, error) {
		body, err := asked.RESTClient().Get().AbsPath("/openapi/v3/apis/studio.livepeer.org/v1alpha1").DoRaw(t.Context())
		if err != nil {
			return nil, err
		}
		return crdcheck.Missing(body)
	}, soon, tick).Should(BeEmpty())
}

// TestReadingTasks: what the documentation tells people to type.
func TestReadingTasks(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 100)
	id := w.aTask("completed")
	for _, c := range []struct {
		args string
		want []string
	}{
		{"get livepeertasks", []string{"NAME", "TYPE", "PHASE", "PROGRESS(%)", "MESSAGE", "UPDATED", "AGE", id}},
		{"get lpt -o wide", []string{"DISPLAY NAME", "RETRIES", "INPUT ASSET", "OUTPUT ASSET", "PLAYBACK URL", "ERROR"}},
		{"get lpts", []string{"READY", "STATUS", "TASKS", "RUNNING", "FAILED", "LAST POLL", "AGE", "Mirroring the tasks of"}},
		{"get livepeer", []string{"livepeertask.studio.livepeer.org/" + id, "livepeertasksource.studio.livepeer.org/main"}},
		{"get lpt -l studio.livepeer.org/source=main", []string{id}},
		{"wait lpt/" + id + " --for=condition=Ready --timeout=2m", []string{"condition met"}},
		{"wait lpt/" + id + " --for=jsonpath={.status.phase}=completed --timeout=2m", []string{"condition met"}},
		{"wait lpt/" + id + " --for=condition=Finished --timeout=2m", []string{"condition met"}},
		{"wait lpt/" + w.aTask("failed") + " --for=condition=Finished --timeout=2m", []string{"condition met"}},
		{"wait lpt/" + w.aTask("running") + " --for=condition=Finished=false --timeout=2m", []string{"condition met"}},
		{"wait lpts/main --for=condition=Ready --timeout=2m", []string{"condition met"}},
		{"explain lpt.status.output.upload.assetSpec", []string{"playbackUrl", "URL of the HLS playlist"}},
		{"explain lpts.spec.interval", []string{"How often to poll for changes"}},
	} {
		out, err := w.kubectl("", strings.Fields(c.args)...)
		w.Expect(err).NotTo(HaveOccurred(), c.args+": "+out)
		for _, want := range c.want {
			w.Expect(out).To(ContainSubstring(want), c.args)
		}
	}
}

// TestTasksAreSelectedByTheirFields: by each that the documentation names.
func TestTasksAreSelectedByTheirFields(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	since131(t, "API servers know no fields of custom resources")
	w := mirroring(t, 100)
	id := w.aTask("completed")
	task := w.task(id)
	for field, value := range map[string]string{
		"spec.id": id, "spec.type": task.Spec.Type, "spec.inputAssetId": task.Spec.InputAssetID,
		"spec.outputAssetId": task.Spec.OutputAssetID, "spec.projectId": task.Spec.ProjectID, "status.phase": "completed",
	} {
		list := &v1alpha1.LivepeerTaskList{}
		w.Expect(w.client.List(w.ctx, list, client.InNamespace(w.namespace), client.MatchingFields{field: value})).To(Succeed(), field)
		w.Expect(list.Items).To(ContainElement(HaveField("Spec.ID", id)), field)
	}
}

// since131 skips a test of what Kubernetes 1.30 can't do. make test-versions runs these tests against it.
func since131(t *testing.T, else130 string) {
	t.Helper()
	asked, err := discovery.NewDiscoveryClientForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	info, err := asked.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.MustParseGeneric(info.GitVersion).LessThan(version.MustParseGeneric("1.31")) {
		t.Skipf("in Kubernetes %s, %s", info.GitVersion, else130)
	}
}
