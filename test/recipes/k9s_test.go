// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/itchyny/gojq"
	. "github.com/onsi/gomega"
	"github.com/xeipuuv/gojsonschema"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const k9sConfig = "../../config/k9s"

// k9sFile reads a file of config/k9s.
func k9sFile(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(k9sConfig, name))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(yaml.Unmarshal(raw, into)).To(Succeed(), name)
}

// Each file is valid by the schema that k9s itself has for it, in the version that tools/k9s pins.
func TestK9sKnowsTheFields(t *testing.T) {
	g := NewWithT(t)
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "github.com/derailed/k9s")
	download.Dir = "../../tools/k9s"
	out, err := download.Output()
	var module struct{ Dir string }
	g.Expect(json.Unmarshal(out, &module)).To(Succeed(), "%v", err)
	files, err := filepath.Glob(filepath.Join(k9sConfig, "*.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).To(HaveLen(4))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		schema := filepath.Join(module.Dir, "internal", "config", "json", "schemas", name+".json")
		g.Expect(schemaErrors(t, schema, file)).To(BeEmpty(), file)
	}
}

func schemaErrors(t *testing.T, schema, file string) []gojsonschema.ResultError {
	t.Helper()
	var config any
	k9sFile(t, filepath.Base(file), &config)
	result, err := gojsonschema.Validate(gojsonschema.NewReferenceLoader("file://"+schema), gojsonschema.NewGoLoader(config))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return result.Errors()
}

// k9sColumn is a column as k9s reads it: a name, what it shows unless it is a column of the API server's own table, attributes.
var k9sColumn = regexp.MustCompile(`^([\w\s%/-]+):?([\w\W]*?)\|?([NTWSLRH]{0,3})$`)

// Each column of the views has something to show of objects that a real API server stored. k9s says of one that has not
// nothing at all but in its log.
func TestK9sColumns(t *testing.T) {
	g := NewWithT(t)
	c := newClient(t)
	source := newSource(t, c, "k9s", metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonUnauthorized,
	})
	at := metav1.Now()
	source.Status.LastPollTime, source.Status.LastFullSyncTime = &at, &at
	g.Expect(c.Status().Update(t.Context(), source)).To(Succeed())
	newTask(t, c, "k9s", `{"id":"k9s-failed","type":"upload","inputAssetId":"in","outputAssetId":"out",
		"status":{"phase":"failed","progress":0.5,"retries":2,"errorMessage":"why","updatedAt":1700000001000},"createdAt":1700000000000}`)

	var views struct {
		Views map[string]struct {
			SortColumn string
			Columns    []string
		}
	}
	k9sFile(t, "views.yaml", &views)
	g.Expect(views.Views).To(HaveLen(2))
	for resource, view := range views.Views {
		table, object := k9sTable(t, resource, "k9s")
		g.Expect(view.Columns).To(ContainElement(HavePrefix(strings.Split(view.SortColumn, ":")[0])), "sorted by")
		for _, column := range view.Columns {
			parts := k9sColumn.FindStringSubmatch(column)
			g.Expect(parts).NotTo(BeNil(), column)
			if parts[2] == "" {
				g.Expect(table).To(ContainElement(parts[1]), "%s: %s is no column of the CRD", resource, column)
				continue
			}
			g.Expect(k9sShows(t, parts[2], object)).NotTo(BeEmpty(), "%s: %s", resource, column)
		}
	}
}

// k9sTable is what k9s asks the API server for: a table, of which it takes the names of the columns, in capitals, and objects.
func k9sTable(t *testing.T, resource, namespace string) (columns []string, object map[string]any) {
	t.Helper()
	g := NewWithT(t)
	group, name := filepath.Split(resource)
	client, err := discovery.NewDiscoveryClientForConfig(cluster.Config())
	g.Expect(err).NotTo(HaveOccurred())
	raw, err := client.RESTClient().Get().AbsPath("/apis", group, "namespaces", namespace, name).Param("includeObject", "Object").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	table := &metav1.Table{}
	g.Expect(json.Unmarshal(raw, table)).To(Succeed())
	g.Expect(table.Rows).To(HaveLen(1))
	g.Expect(json.Unmarshal(table.Rows[0].Object.Raw, &object)).To(Succeed())
	columns = []string{"NAMESPACE"}
	for _, column := range table.ColumnDefinitions {
		columns = append(columns, strings.ToUpper(column.Name))
	}
	return columns, object
}

// k9sShows is what k9s makes of an expression: a program of jq where it has two pipes or more, else a JSONPath.
func k9sShows(t *testing.T, expression string, object map[string]any) string {
	t.Helper()
	g := NewWithT(t)
	if strings.Count(expression, "|") < 2 {
		path := jsonpath.New("").AllowMissingKeys(true)
		g.Expect(path.Parse("{"+expression+"}")).To(Succeed(), expression)
		var out strings.Builder
		g.Expect(path.Execute(&out, object)).To(Succeed(), expression)
		return out.String()
	}
	program, err := gojq.Parse(expression)
	g.Expect(err).NotTo(HaveOccurred(), expression)
	shown, ok := program.Run(object).Next()
	g.Expect(ok).To(BeTrue(), expression)
	g.Expect(shown).To(BeAssignableToTypeOf(""), expression) // or else an error
	// An object without a status has an empty field: k9s shows a whole table no more where a program fails.
	empty, ok := program.Run(map[string]any{"metadata": object["metadata"]}).Next()
	g.Expect(ok).To(BeTrue(), expression)
	g.Expect(empty).To(BeEmpty(), expression)
	return shown.(string)
}
