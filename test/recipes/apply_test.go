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
	// Argo CD from 3.6 on takes a newer Go than the tests.
	dirs := []string{downloaded(t, "github.com/argoproj/argo-cd/v3@v3.5.0") + "/manifests/crds"}
	for _, of := range []struct{ tool, module, dir string }{
		{"keda-operator", "github.com/kedacore/keda/v2", "config/crd/bases"},
		{"argo-events", "github.com/argoproj/argo-events", "manifests/base/crds"},
		{"kustomize-controller", "github.com/fluxcd/kustomize-controller", "config/crd/bases"},
		{"source-controller", "github.com/fluxcd/source-controller", "config/crd/bases"},
		{"helm-controller", "github.com/fluxcd/helm-controller", "config/crd/bases"},
		{"velero", "github.com/vmware-tanzu/velero", "config/crd/v1/bases"},
	} {
		dirs = append(dirs, filepath.Join(moduleDir(t, of.tool, of.module), of.dir))
	}
	return dirs
}

// moduleDir is the folder of a published module, in the version that is run of it.
func moduleDir(t *testing.T, tool, module string) string {
	t.Helper()
	var pinned struct {
		Require []struct{ Path, Version string }
	}
	goJSON(t, &pinned, "mod", "edit", "-json", "../../tools/"+tool+"/go.mod")
	for _, required := range pinned.Require {
		if required.Path == module {
			return downloaded(t, module+"@"+required.Version)
		}
	}
	t.Fatalf("tools/%s does not require %s", tool, module)
	return ""
}

// downloaded is the folder of a published module.
func downloaded(t *testing.T, module string) string {
	t.Helper()
	var found struct{ Dir string }
	goJSON(t, &found, "mod", "download", "-json", module)
	return found.Dir
}

// goJSON reads what the go command prints.
func goJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), "%s: %s", args, out)
	NewWithT(t).Expect(json.Unmarshal(out, into)).To(Succeed())
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
		case "EventBus":
			g.Expect(yaml.UnmarshalStrict(raw, &events.EventBus{})).To(Succeed())
			known++
		}
	}
	g.Expect(known).To(Equal(3))
}
