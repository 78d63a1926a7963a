// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// oddTask is the example of the API's reference page with something else in one place.
type oddTask struct {
	id    string
	raw   []byte
	path  string // the place, as the operator names it
	value any    // what is there
	fits  bool   // it is of the documented type
}

// index is the place of an element in the path of a list.
var index = regexp.MustCompile(`\[\d+\]`)

// oddValues are one value of each kind that JSON has.
var oddValues = []any{"odd", json.Number("-7.5"), true, []any{"x"}, map[string]any{"x": true}, nil}

// oddTasks puts values of two kinds in the place of every leaf and object of the reference example, one at a time.
func (w *world) oddTasks() []oddTask {
	w.t.Helper()
	body, err := os.ReadFile(filepath.Join(testdata, "reference.json"))
	w.Expect(err).NotTo(HaveOccurred())
	var example []map[string]any
	w.Expect(json.Unmarshal(body, &example)).To(Succeed())
	example[0]["projectId"] = livepeertest.ProjectID // or the key does not open it
	var odd []oddTask
	nodes := 0
	eachNode(example[0], "", func(path string, old any, replace func(any)) {
		if path == "id" || path == "projectId" {
			return
		}
		nodes++
		for n := range 2 {
			value := oddValues[(nodes+n*3)%len(oddValues)]
			id := fmt.Sprintf("odd-%d-%d", nodes, n)
			example[0]["id"] = id
			replace(value)
			raw, err := json.Marshal(example[0])
			w.Expect(err).NotTo(HaveOccurred())
			odd = append(odd, oddTask{id: id, raw: raw, path: mirroredPath(path), value: value, fits: kindOf(old) == kindOf(value)})
		}
		replace(old)
	})
	return odd
}

// kindOf is the kind of a JSON value.
func kindOf(value any) string {
	switch value.(type) {
	case json.Number, float64:
		return "number"
	case nil:
		return "null"
	}
	return fmt.Sprintf("%T", value)
}

// eachNode calls visit for each value below an object, with a function that replaces it.
func eachNode(value any, path string, visit func(path string, old any, replace func(any))) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			inner := strings.TrimPrefix(path+"."+key, ".")
			old := value[key]
			visit(inner, old, func(v any) { value[key] = v })
			eachNode(old, inner, visit)
		}
	case []any:
		for i, old := range value {
			visit(path, old, func(v any) { value[i] = v })
			eachNode(old, path, visit)
		}
	}
}

// mirroredPath is the path of a field of the API within spec or status.
func mirroredPath(path string) string {
	path = strings.Replace(path, "params.transcode-file", "params.transcodeFile", 1)
	return strings.TrimPrefix(path, "status.")
}

// particular are tasks that are odd in other ways, by ID.
func particular() map[string]string {
	content := func(value string) string {
		return `"type":"export-data","status":{"phase":"running","updatedAt":1795000000000},` +
			`"params":{"exportData":{"content":` + value + `}}`
	}
	return map[string]string{
		"unknown-type":      `"type":"from the future!","status":{"phase":"completed","updatedAt":1795000000000}`,
		"unknown-phase":     `"type":"upload","status":{"phase":"levitating","updatedAt":1795000000000}`,
		"no-status":         `"type":"upload","params":{}`,
		"no-params":         `"type":"upload","status":{"phase":"waiting","updatedAt":1795000000000}`,
		"nothing":           `"x":1`,
		"project":           `"type":"clip","projectId":["x"]`,
		"nulls":             `"type":null,"params":null,"status":null,"output":null,"createdAt":null`,
		"twice-the-same":    `"type":"clip","type":"upload","status":{"phase":"running"},"status":{"phase":"failed"}`,
		"times":             `"type":"clip","createdAt":-5,"scheduledAt":1e300,"status":{"updatedAt":9007199254740993,"progress":1e400}`,
		"a/b?c=d#e":         `"type":"clip"`,
		"日本語":               `"type":"clip"`,
		" ":                 `"type":"clip"`,
		"..":                `"type":"clip"`,
		"MEET-ME":           `"type":"clip"`,
		"meet-me":           `"type":"upload"`,
		"Meet-Me":           `"type":"export"`,
		"large":             content(`{"data":"` + strings.Repeat("0123456789abcdef", 2<<20/16) + `"}`),
		"deep":              content(strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)),
		"deep-lists":        content(strings.Repeat("[", 300) + strings.Repeat("]", 300)),
		"control":           `"type":"upload","status":{"phase":"failed","errorMessage":"bell \u0007, escape \u001b[31m, nul \u0000, del \u007f"}`,
		"invalid-utf-8":     "\"type\":\"up\xffload\",\"status\":{\"phase\":\"failed\",\"errorMessage\":\"bad \xc3\x28 bytes \xff\"}",
		"lone-surrogate":    `"type":"upload","status":{"phase":"failed","errorMessage":"half \ud800 a pair"}`,
		"long" + longText(): `"type":"clip"`,
		"long-type":         `"type":"` + strings.Repeat("t", 20_000) + `"`,
	}
}

func longText() string { return strings.Repeat("-id", 330) }

// TestOddTasksAreMirrored: a Studio of tasks that are all odd, each in another way. Each is mirrored, what can't be is
// named, and none keeps the others or the source from being well.
func TestOddTasksAreMirrored(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	odd := w.oddTasks()
	w.Expect(len(odd)).To(BeNumerically(">", 300))
	for i := range odd {
		w.Expect(w.studio.PutRaw(odd[i].raw)).To(Succeed())
	}
	for id, fields := range particular() {
		name, err := json.Marshal(id)
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(w.studio.PutRaw([]byte(`{"id":`+string(name)+`,`+fields+`}`))).To(Succeed(), id)
	}
	w.secret(livepeertest.APIKey)
	w.source("main")
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)

	mirrored := map[string]*v1alpha1.LivepeerTask{}
	for _, task := range w.tasks() {
		mirrored[task.Spec.ID] = &task
	}
	w.Expect(slices.Sorted(maps.Keys(mirrored))).To(Equal(w.studio.IDs()))
	for i := range odd {
		w.nothingIsLostInSilence(&odd[i], mirrored[odd[i].id])
	}
	for id, field := range map[string]string{
		"large": "params.exportData.content", "deep": "params.exportData.content", "deep-lists": "params.exportData.content", "long-type": "type",
	} {
		w.Expect(mirrored[id].Spec.OmittedFields).To(ContainElement(field), id)
	}
	w.Expect(mirrored["unknown-type"].Spec.Type).To(Equal("from the future!"))
	w.Expect(mirrored["unknown-phase"].Status.Phase).To(Equal("levitating"))
	w.Expect(mirrored["control"].Status.ErrorMessage).To(ContainSubstring("bell"))
	w.Expect(mirrored["invalid-utf-8"].Status.ErrorMessage).To(ContainSubstring("bad"))

	before := w.writes()
	w.resync("main", "once more")
	w.Expect(w.writes()).To(Equal(before))
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
}

// nothingIsLostInSilence fails where the odd value is neither on the object nor named as left out.
func (w *world) nothingIsLostInSilence(odd *oddTask, task *v1alpha1.LivepeerTask) {
	w.t.Helper()
	omitted := slices.Concat(task.Spec.OmittedFields, task.Status.OmittedFields)
	named := slices.ContainsFunc(omitted, func(field string) bool { return index.ReplaceAllString(field, "") == odd.path })
	if odd.value == nil || odd.fits || named || odd.path == "status" && slices.Contains(omitted, "phase") {
		return
	}
	shown := w.mirrored(task.Name)
	value := at(shown["spec"], odd.path)
	if value == nil {
		value = at(shown["status"], odd.path)
	}
	w.Expect(value).NotTo(BeNil(), "%s: %s = %v, omitted %v", odd.id, odd.path, odd.value, omitted)
}

// at follows a path, into the first element of lists.
func at(value any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		if list, ok := value.([]any); ok && len(list) > 0 {
			value = list[0]
		}
		value = object(value)[key]
	}
	return value
}
