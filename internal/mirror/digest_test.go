// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// recordedTasks are all tasks in the recorded answers, and the one of the reference page.
func recordedTasks(t *testing.T) []json.RawMessage {
	t.Helper()
	files, err := filepath.Glob(testdata + "recordings/*.http")
	if err != nil {
		t.Fatal(err)
	}
	all := []json.RawMessage{referenceTask(t)}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n\n")
		var tasks []json.RawMessage
		switch {
		case strings.HasPrefix(body, "["):
			if err := json.Unmarshal([]byte(body), &tasks); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		case strings.HasPrefix(body, `{"id"`):
			tasks = []json.RawMessage{json.RawMessage(body)}
		}
		all = append(all, tasks...)
	}
	return all
}

// TestDigestSurvivesTheAPIServer: or else every task would be written again and again.
func TestDigestSurvivesTheAPIServer(t *testing.T) {
	tasks := recordedTasks(t)
	if len(tasks) < 150 {
		t.Fatalf("%d recorded tasks", len(tasks))
	}
	for _, raw := range tasks {
		checkDigest(t, mustConvert(t, string(raw)))
	}
}

func checkDigest(t failer, o *Observation) {
	t.Helper()
	sent := objectOf(o, "x")
	stored := sent.DeepCopy()
	stored.Status.ObservedGeneration = 3
	for i := range stored.Status.Conditions {
		stored.Status.Conditions[i].ObservedGeneration = 3
	}
	stored.Name, stored.ResourceVersion, stored.Generation = "y", "7", 3
	stored = throughJSON(t, stored)
	if SpecDigest(sent) != SpecDigest(stored) {
		t.Fatalf("spec of %+v came back as %+v", sent, stored)
	}
	if StatusDigest(sent) != StatusDigest(stored) {
		t.Fatalf("status of %+v came back as %+v", sent, stored)
	}
}

// TestDigestOfFreeForm: JSON as odd as users can make it has the same digest when it comes back.
func TestDigestOfFreeForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := fmt.Sprintf(`{"id":"A","params":{"exportData":{"content":%s}},"output":{"clip":{"assetSpec":{"name":%q,`+
			`"playbackPolicy":{"webhookContext":{"a":%s}},"videoSpec":{"duration":%s}}}}}`,
			freeForm(t, 3), rapid.String().Draw(t, "name"), freeForm(t, 2), number(t))
		o, err := Convert([]byte(raw), redact.New())
		if err != nil {
			t.Skip(err) // %q has escapes that JSON lacks
		}
		checkDigest(t, o)
	})
}

func number(t *rapid.T) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"0", "-0", "1.0", "-0.0", "1e5", "1E-7", "1e21", "12345678901234567890", "-9223372036854775808", "9007199254740993",
			"0.1", "1e300", "100000000000000000000000", "3.0000000000000001", "5e-324", "0.000001", "123456789.0",
		}),
		rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) string { return fmt.Sprint(f) }),
	).Draw(t, "number")
}

func freeForm(t *rapid.T, depth int) string {
	text := func() string {
		return rapid.SampledFrom([]string{
			`""`, `"a"`, `"b"`, `"<&>"`, `"\u2028"`, `"\ud800"`, `"\u0000"`, `"é\/\""`, `"token"`, `"ÿ"`,
		}).Draw(t, "text")
	}
	switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
	case kind == 0:
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "word")
	case kind == 1:
		return text()
	case kind <= 3 || depth == 0:
		return number(t)
	case kind == 4:
		return "[" + freeForm(t, depth-1) + " , " + freeForm(t, depth-1) + "]"
	default:
		return "{" + text() + ": " + freeForm(t, depth-1) + "," + text() + ":" + freeForm(t, depth-1) + "}"
	}
}

// TestDigestNoticesEveryField: a field that is not in the digest would never be updated, and never be healed.
func TestDigestNoticesEveryField(t *testing.T) {
	task := objectOf(&Observation{}, "x")
	fill(reflect.ValueOf(&task.Spec).Elem())
	fill(reflect.ValueOf(&task.Status).Elem())
	fields := 0
	for name, digest := range map[string]func() any{
		"Spec":            func() any { return SpecDigest(task) },
		"Status":          func() any { return StatusDigest(task) },
		"Status, for all": func() any { return StatusID(task) },
	} {
		section, _, _ := strings.Cut(name, ",")
		before := digest()
		eachChange(reflect.ValueOf(task).Elem().FieldByName(section), section, func(path string) {
			fields++
			// What waits to be sent is no drift: it does not follow from the task in Studio.
			ignored := strings.HasSuffix(path, ".ObservedGeneration") || strings.HasPrefix(path, "Status.Notifications")
			if (digest() == before) != ignored {
				t.Errorf("%s changed: digest the same: %v", path, !ignored)
			}
		})
		if digest() != before {
			t.Errorf("%s: not put back", section)
		}
	}
	if fields < 250 {
		t.Errorf("only %d changes were tried", fields)
	}
}

func TestSpecDigestOfMetadata(t *testing.T) {
	for what, c := range map[string]struct {
		change  func(*v1alpha1.LivepeerTask)
		noticed bool
	}{
		"source label": {func(task *v1alpha1.LivepeerTask) { task.Labels[v1alpha1.LabelSource] = "x" }, true},
		"type label":   {func(task *v1alpha1.LivepeerTask) { delete(task.Labels, v1alpha1.LabelType) }, true},
		"owner":        {func(task *v1alpha1.LivepeerTask) { task.OwnerReferences[0].UID = "x" }, true},
		"owner's name": {func(task *v1alpha1.LivepeerTask) { task.OwnerReferences[0].Name = "x" }, true},
		"owner's kind": {func(task *v1alpha1.LivepeerTask) { task.OwnerReferences[0].Kind = "x" }, true},
		"no owner":     {func(task *v1alpha1.LivepeerTask) { task.OwnerReferences = nil }, true},
		"no control":   {func(task *v1alpha1.LivepeerTask) { task.OwnerReferences[0].Controller = nil }, true},
		"other owner": {func(task *v1alpha1.LivepeerTask) {
			task.OwnerReferences = append([]metav1.OwnerReference{{Name: "x", UID: "x"}}, task.OwnerReferences...)
		}, false},
		"other label": {func(task *v1alpha1.LivepeerTask) { task.Labels["x"] = "y" }, false},
		"annotation":  {func(task *v1alpha1.LivepeerTask) { task.Annotations = map[string]string{"x": "y"} }, false},
		"name":        {func(task *v1alpha1.LivepeerTask) { task.Name, task.UID = "y", types.UID("y") }, false},
		"status":      {func(task *v1alpha1.LivepeerTask) { task.Status.Phase = "y" }, false},
	} {
		task := objectOf(observed("A", "upload", "running", 5), "a")
		before := SpecDigest(task)
		if c.change(task); (SpecDigest(task) != before) != c.noticed {
			t.Errorf("%s: noticed: %v", what, !c.noticed)
		}
	}
}

// fill sets every field to something.
func fill(v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *metav1.MicroTime:
		*at = metav1.NewMicroTime(time.UnixMicro(1587667174725001))
		return
	case *metav1.Time:
		*at = metav1.Unix(1587667174, 0)
		return
	case *runtime.RawExtension:
		at.Raw = []byte(`{"a":1}`)
		return
	case *intstr.IntOrString:
		*at = intstr.FromInt32(5)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key": "value"}))
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.5)
	default:
		v.SetInt(5)
	}
}

// eachChange changes one field after the other, calls back, and puts it back.
func eachChange(v reflect.Value, path string, changed func(path string)) {
	before := reflect.ValueOf(v.Interface())
	to := func(path string, other any) {
		v.Set(reflect.ValueOf(other).Convert(v.Type()))
		changed(path)
		v.Set(before)
	}
	switch at := v.Interface().(type) {
	case metav1.MicroTime:
		to(path, metav1.NewMicroTime(at.Add(time.Microsecond)))
		return
	case metav1.Time:
		to(path, metav1.NewTime(at.Add(time.Second)))
		return
	case runtime.RawExtension:
		to(path, runtime.RawExtension{Raw: []byte(`{"a":2}`)})
		return
	case intstr.IntOrString:
		to(path, intstr.FromString("5"))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		to(path+" = nil", reflect.Zero(v.Type()).Interface())
		eachChange(v.Elem(), path, changed)
	case reflect.Struct:
		for i := range v.NumField() {
			eachChange(v.Field(i), path+"."+v.Type().Field(i).Name, changed)
		}
	case reflect.Slice:
		to(path+" = nil", reflect.Zero(v.Type()).Interface())
		to(path+" twice", reflect.AppendSlice(before, before).Interface())
		eachChange(v.Index(0), path+"[0]", changed)
	case reflect.Map:
		to(path, map[string]string{"key": "other"})
		to(path+" = nil", map[string]string(nil))
	case reflect.String:
		to(path, before.String()+"x")
	case reflect.Bool:
		to(path, !before.Bool())
	case reflect.Float64:
		to(path, before.Float()+1)
	default:
		to(path, before.Int()+1)
	}
}
