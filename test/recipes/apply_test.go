// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	events "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// toolCRDs are the CRDs of the tools: folders of their published modules.
func toolCRDs(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for module, dir := range map[string]string{
		kedaModule: "config/crd/bases",
		"github.com/argoproj/argo-events@v1.9.10":       "manifests/base/crds",
		"github.com/argoproj/argo-cd/v3@v3.5.0":         "manifests/crds",
		"github.com/fluxcd/kustomize-controller@v1.9.6": "config/crd/bases",
		"github.com/fluxcd/source-controller@v1.9.3":    "config/crd/bases",
		"github.com/fluxcd/helm-controller@v1.6.2":      "config/crd/bases",
		"github.com/vmware-tanzu/velero@v1.18.3":        "config/crd/v1/bases",
	} {
		dirs = append(dirs, filepath.Join(moduleDir(t, module), dir))
	}
	return dirs
}

// moduleDir is the folder of a published module.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module).Output()
	var downloaded struct{ Dir string }
	NewWithT(t).Expect(json.Unmarshal(out, &downloaded)).To(Succeed(), "%s: %v", module, err)
	NewWithT(t).Expect(downloaded.Dir).NotTo(BeEmpty(), "%s: %s", module, out)
	return downloaded.Dir
}

// cluster is a real API server with the operator's CRDs, which the tests share.
var cluster *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if cluster, err = controlplane.Start(context.Background(), controlplane.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// newClient is a client of the cluster that knows no field but those of the schema.
func newClient(t *testing.T) client.Client {
	t.Helper()
	g := NewWithT(t)
	g.Expect(v1alpha1.AddToScheme(scheme.Scheme)).To(Succeed())
	c, err := client.New(cluster.Config(), client.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	return client.WithFieldValidation(c, metav1.FieldValidationStrict)
}

// A real API server takes each object that a page shows, and knows each of its fields.
func TestEveryObjectIsTaken(t *testing.T) {
	g := NewWithT(t)
	_, err := envtest.InstallCRDs(cluster.Config(), envtest.CRDInstallOptions{
		Paths: toolCRDs(t), ErrorIfPathMissing: true, MaxTime: 2 * time.Minute,
	})
	g.Expect(err).NotTo(HaveOccurred())
	c := newClient(t)
	for page, objects := range pages(t) {
		for _, object := range objects {
			newNamespace(t, c, object.GetNamespace())
			g.Expect(c.Create(t.Context(), object.DeepCopy(), client.DryRunAll)).To(Succeed(), "%s: %s", page, object.GetKind())
		}
	}
	wrong := pages(t)["keda.md"][0]
	g.Expect(unstructured.SetNestedField(wrong.Object, "x", "spec", "unheardOf")).To(Succeed())
	g.Expect(c.Create(t.Context(), wrong, client.DryRunAll)).To(MatchError(ContainSubstring("unheardOf")))
}

// The CRDs of Argo Events keep whatever they are given; its Go types know each field.
func TestArgoEventsKnowsTheFields(t *testing.T) {
	g := NewWithT(t)
	known := 0
	for _, object := range pages(t)["argo-events.md"] {
		raw, err := yaml.Marshal(object.Object)
		g.Expect(err).NotTo(HaveOccurred())
		switch object.GetKind() {
		case "EventSource":
			source := &events.EventSource{}
			g.Expect(yaml.UnmarshalStrict(raw, source)).To(Succeed())
			watched := source.Spec.Resource["completed"]
			g.Expect(watched.GroupVersionResource).To(Equal(metav1.GroupVersionResource(v1alpha1.GroupVersion.WithResource("livepeertasks"))))
			known++
		case "Sensor":
			g.Expect(yaml.UnmarshalStrict(raw, &events.Sensor{})).To(Succeed())
			known++
		}
	}
	g.Expect(known).To(Equal(2))
}
