// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// customizations has what Argo CD's repository takes below its folder resource_customizations.
const customizations = "../../config/argocd/studio.livepeer.org"

// The tests that Argo CD's repository has beside each health.lua.
func TestHealthOfArgoCD(t *testing.T) {
	g := NewWithT(t)
	for _, kind := range []string{"LivepeerTask", "LivepeerTaskSource"} {
		var file struct {
			Tests []struct {
				HealthStatus struct{ Status, Message string }
				InputPath    string
			}
		}
		readYAML(t, filepath.Join(kind, "health_test.yaml"), &file)
		g.Expect(file.Tests).NotTo(BeEmpty())
		script := readScript(t, kind, "health.lua")
		for _, test := range file.Tests {
			var health map[string]string
			g.Expect(json.Unmarshal(runLua(t, readObject(t, kind, test.InputPath), script), &health)).To(Succeed())
			g.Expect(health).To(Equal(map[string]string{
				"status": test.HealthStatus.Status, "message": test.HealthStatus.Message,
			}), "%s %s", kind, test.InputPath)
		}
		g.Expect(pageData(t, "resource.customizations.health."+v1alpha1.GroupVersion.Group+"_"+kind)).To(Equal(script))
	}
}

// action is what Argo CD shows in the menu of an object.
type action struct {
	Name, DisplayName string
	Disabled          bool
}

// actionTests are those that Argo CD's repository has beside the actions.
type actionTests struct {
	DiscoveryTests []struct {
		InputPath string
		Result    []action
	}
	ActionTests []struct{ Action, InputPath, ExpectedOutputPath string }
}

// Sync now, Suspend and Resume: where each is offered, and what it makes of a source.
func TestActionsOfArgoCD(t *testing.T) {
	g := NewWithT(t)
	const kind = "LivepeerTaskSource"
	var tests actionTests
	readYAML(t, filepath.Join(kind, "actions", "action_test.yaml"), &tests)
	discovery := readScript(t, kind, "actions/discovery.lua")
	offered := map[string]bool{}
	for _, test := range tests.DiscoveryTests {
		var found map[string]action
		g.Expect(json.Unmarshal(runLua(t, readObject(t, kind, "actions/"+test.InputPath), discovery), &found)).To(Succeed())
		for name, a := range found {
			offered[name] = true
			a.Name = name
			g.Expect(test.Result).To(ContainElement(a), test.InputPath)
		}
		g.Expect(found).To(HaveLen(len(test.Result)), test.InputPath)
	}
	for _, test := range tests.ActionTests {
		delete(offered, test.Action)
		before := readObject(t, kind, "actions/"+test.InputPath)
		after := &unstructured.Unstructured{}
		script := readScript(t, kind, "actions/"+test.Action+"/action.lua")
		g.Expect(after.UnmarshalJSON(runLua(t, before, script))).To(Succeed())
		if annotations := after.GetAnnotations(); annotations != nil {
			at, err := time.Parse(time.RFC3339, annotations[v1alpha1.AnnotationRequestedAt])
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(at).To(BeTemporally("~", time.Now(), time.Hour))
			annotations[v1alpha1.AnnotationRequestedAt] = time.Time{}.Format(time.RFC3339)
			after.SetAnnotations(annotations)
		}
		g.Expect(after).To(Equal(readObject(t, kind, "actions/"+test.ExpectedOutputPath)), test.Action)
	}
	g.Expect(offered).To(BeEmpty(), "actions without a test")

	var onPage struct {
		Discovery   string `json:"discovery.lua"`
		Definitions []struct {
			Name   string
			Script string `json:"action.lua"`
		}
	}
	g.Expect(yaml.UnmarshalStrict([]byte(pageData(t, "resource.customizations.actions."+v1alpha1.GroupVersion.Group+"_"+kind)), &onPage)).To(Succeed())
	g.Expect(onPage.Discovery).To(Equal(discovery))
	g.Expect(onPage.Definitions).To(HaveLen(len(tests.ActionTests)))
	for _, definition := range onPage.Definitions {
		g.Expect(definition.Script).To(Equal(readScript(t, kind, "actions/"+definition.Name+"/action.lua")))
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	g := NewWithT(t)
	raw, err := os.ReadFile(filepath.Join(customizations, path))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(yaml.UnmarshalStrict(raw, into)).To(Succeed(), path)
}

func readScript(t *testing.T, kind, path string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(customizations, kind, path))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(raw)
}

// readObject reads an example, which a real API server would take.
func readObject(t *testing.T, kind, path string) *unstructured.Unstructured {
	t.Helper()
	g := NewWithT(t)
	raw, err := yaml.YAMLToJSONStrict([]byte(readScript(t, kind, path)))
	g.Expect(err).NotTo(HaveOccurred())
	object := &unstructured.Unstructured{}
	g.Expect(object.UnmarshalJSON(raw)).To(Succeed())
	c := newClient(t)
	newNamespace(t, c, object.GetNamespace())
	g.Expect(c.Create(t.Context(), object.DeepCopy(), client.DryRunAll)).To(Succeed(), path)
	return object
}

// pageData is an entry of the ConfigMap on the page.
func pageData(t *testing.T, key string) string {
	t.Helper()
	g := NewWithT(t)
	value, found, err := unstructured.NestedString(pages(t)["argocd.md"][0].Object, "data", key)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(BeTrue(), key)
	return value
}

// runLua runs a script as Argo CD does, and returns its answer as JSON: the object is a global, and of the libraries that reach
// out of the interpreter there is but the clock.
func runLua(t *testing.T, object *unstructured.Unstructured, script string) []byte {
	t.Helper()
	g := NewWithT(t)
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	state.SetContext(t.Context())
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		g.Expect(state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name))).To(Succeed())
	}
	state.PreloadModule(lua.OsLibName, func(l *lua.LState) int {
		lua.OpenOs(l)
		all, clock := l.GetGlobal(lua.OsLibName), l.NewTable()
		clock.RawSetString("date", l.GetField(all, "date"))
		clock.RawSetString("time", l.GetField(all, "time"))
		l.Push(clock)
		return 1
	})
	raw, err := object.MarshalJSON()
	g.Expect(err).NotTo(HaveOccurred())
	value, err := luajson.Decode(state, raw)
	g.Expect(err).NotTo(HaveOccurred())
	state.SetGlobal("obj", value)
	g.Expect(state.DoString(script)).To(Succeed())
	answer, err := luajson.Encode(state.Get(-1))
	g.Expect(err).NotTo(HaveOccurred())
	return answer
}
