// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// answered is a list of tasks as the API server answers it: keys are sorted.
func answered(t failer, tasks ...*v1alpha1.LivepeerTask) []byte {
	t.Helper()
	items := []any{}
	for _, task := range tasks {
		task = task.DeepCopy()
		task.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("LivepeerTask"))
		data, err := json.Marshal(task)
		if err != nil {
			t.Fatalf("%v", err)
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(data); err != nil {
			t.Fatalf("%v", err)
		}
		items = append(items, object.Object)
	}
	answer, err := json.Marshal(map[string]any{
		"apiVersion": "studio.livepeer.org/v1alpha1", "kind": "LivepeerTaskList", "items": items,
		"metadata": map[string]any{"continue": "a\"b", "resourceVersion": "12", "remainingItemCount": 4},
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return answer
}

// each reads the tasks of a list.
func each(visit func(*Entry)) func(raw []byte) error {
	return func(raw []byte) error {
		entry, err := ReadEntry(raw)
		if err == nil {
			visit(&entry)
		}
		return err
	}
}

// readBack reads tasks as a list of the API server has them.
func readBack(t failer, tasks ...*v1alpha1.LivepeerTask) []Entry {
	t.Helper()
	var entries []Entry
	// Byte by byte: whatever the network makes of an answer.
	list, err := ReadList(iotest.OneByteReader(bytes.NewReader(answered(t, tasks...))), each(func(entry *Entry) {
		entries = append(entries, *entry)
	}))
	if err != nil || list.Continue != `a"b` || list.ResourceVersion != "12" {
		t.Fatalf("%+v: %v", list, err)
	}
	return entries
}

// TestReadEntries: what a list says of a task is what the task says of itself, so that a restart writes nothing.
func TestReadEntries(t *testing.T) {
	var tasks []*v1alpha1.LivepeerTask
	var want []Entry
	for _, raw := range recordedTasks(t) {
		task := storedTask(mustConvert(t, string(raw)))
		tasks, want = append(tasks, task), append(want, EntryOf(task))
	}
	if diff := cmp.Diff(want, readBack(t, tasks...)); diff != "" {
		t.Error(diff)
	}
	if got := readBack(t); got != nil {
		t.Errorf("%d tasks in an empty list", len(got))
	}
}

func TestReadEntriesOfOddTasks(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.LivepeerTask){
		"as it was":       func(*v1alpha1.LivepeerTask) {},
		"no status":       func(task *v1alpha1.LivepeerTask) { task.Status = v1alpha1.LivepeerTaskStatus{} },
		"no spec":         func(task *v1alpha1.LivepeerTask) { task.Spec = v1alpha1.LivepeerTaskSpec{} },
		"no owner":        func(task *v1alpha1.LivepeerTask) { task.OwnerReferences = nil },
		"no labels":       func(task *v1alpha1.LivepeerTask) { task.Labels = nil },
		"being deleted":   func(task *v1alpha1.LivepeerTask) { task.DeletionTimestamp = new(metav1.Now()) },
		"retried":         func(task *v1alpha1.LivepeerTask) { task.Status.Retries = new(int64(3)) },
		"retried often":   func(task *v1alpha1.LivepeerTask) { task.Status.Retries = new(int64(1 << 40)) },
		"retried less":    func(task *v1alpha1.LivepeerTask) { task.Status.Retries = new(int64(-1)) },
		"to be sent":      func(task *v1alpha1.LivepeerTask) { task.Status.Notifications = make([]v1alpha1.Transition, 1) },
		"not updated yet": func(task *v1alpha1.LivepeerTask) { task.Status.UpdatedAt = nil },
		"updated by another": func(task *v1alpha1.LivepeerTask) {
			task.ManagedFields[1].FieldsV1 = metav1.NewFieldsV1(`{"f:status":{"f:updatedAt":{}}}`)
		},
		"phase by another": func(task *v1alpha1.LivepeerTask) {
			task.ManagedFields[1].FieldsV1 = metav1.NewFieldsV1(`{"f:status":{"f:phase":{}}}`)
		},
		"ID by another":   func(task *v1alpha1.LivepeerTask) { edited(task, "f:id") },
		"type by another": func(task *v1alpha1.LivepeerTask) { edited(task, "f:type") },
		"stalled": func(task *v1alpha1.LivepeerTask) {
			task.Status.Conditions = append(task.Status.Conditions,
				metav1.Condition{Type: v1alpha1.ConditionStalled, Reason: v1alpha1.ReasonNoUpdate})
		},
		"stalled in another way": func(task *v1alpha1.LivepeerTask) {
			task.Status.Conditions = append(task.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionStalled, Reason: "Other"})
		},
		"odd texts": func(task *v1alpha1.LivepeerTask) {
			task.Spec.ID, task.Status.Phase = `"<é\u2028>\`, "run\n\"ning\\"
			task.Labels["somebody"], task.Annotations["x"] = `}"`, `]{"`
		},
	} {
		task := storedTask(observed("A", "upload", "running", 1587667174725))
		change(task)
		if diff := cmp.Diff([]Entry{EntryOf(task)}, readBack(t, task)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestReadEntriesNotices every field: a list must show what EntryOf would show of a change.
func TestReadEntriesNotices(t *testing.T) {
	task := storedTask(observed("A", "upload", "running", 1587667174725))
	before := readBack(t, task)[0]
	for name, change := range map[string]func(*v1alpha1.LivepeerTask){
		"label":      func(task *v1alpha1.LivepeerTask) { task.Labels[v1alpha1.LabelType] = "clip" },
		"owner":      func(task *v1alpha1.LivepeerTask) { task.OwnerReferences[1].UID = "another" },
		"spec":       func(task *v1alpha1.LivepeerTask) { task.Spec.InputAssetID = "another" },
		"status":     func(task *v1alpha1.LivepeerTask) { task.Status.Progress = new(int32(7)) },
		"condition":  func(task *v1alpha1.LivepeerTask) { task.Status.Conditions[0].Message = "another" },
		"conditions": func(task *v1alpha1.LivepeerTask) { task.Status.Conditions = task.Status.Conditions[1:] },
	} {
		changed := task.DeepCopy()
		change(changed)
		after := readBack(t, changed)[0]
		if after.SpecDigest == before.SpecDigest && after.StatusDigest == before.StatusDigest {
			t.Errorf("%s: not noticed", name)
		}
		if diff := cmp.Diff(EntryOf(changed), after); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestReadEntriesOfFreeForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := `{"id":"A","params":{"exportData":{"content":` + freeForm(t, 3) + `}}}`
		o, err := Convert([]byte(raw), redact.New())
		if err != nil {
			t.Fatalf("%v", err)
		}
		task := storedTask(o)
		if diff := cmp.Diff([]Entry{EntryOf(task)}, readBack(t, task)); diff != "" {
			t.Fatalf("%s: %s", raw, diff)
		}
	})
}

// TestReadListCutShort: a list that is not whole must not pass for one, or tasks would be taken for deleted.
func TestReadListCutShort(t *testing.T) {
	whole := answered(t, storedTask(observed("A", "upload", "running", 1587667174725)))
	for n := range whole {
		if _, err := ReadList(bytes.NewReader(whole[:n]), each(func(*Entry) {})); err == nil {
			t.Fatalf("%d of %d bytes pass for the whole: %s", n, len(whole), whole[:n])
		}
	}
	for text, ok := range map[string]bool{`{"items":null,"metadata":{"resourceVersion":"1"}}`: true, `{"items":[{};{}],"metadata":{"resourceVersion":"1"}}`: false} {
		if _, err := ReadList(iotest.OneByteReader(bytes.NewReader([]byte(text))), each(func(*Entry) {})); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ReadList(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(whole))), each(func(*Entry) {})); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("the error of the network is lost: %v", err)
	}
}

// FuzzReadList: whatever answers in the API server's place does no harm.
func FuzzReadList(f *testing.F) {
	task := storedTask(observed("A", "upload", "running", time.Now().UnixMilli()))
	f.Add(answered(f, task, task))
	f.Add(answered(f))
	f.Add([]byte(`{"items":null,"metadata":{"resourceVersion":"1"}}`))
	f.Add([]byte(`{"items":[{"metadata":{"labels":null,"name":7},"status":[]}],"metadata":{"resourceVersion":"\ud800"}} `))
	f.Fuzz(func(t *testing.T, answer []byte) {
		n := 0
		_, err := ReadList(bytes.NewReader(answer), each(func(*Entry) { n++ }))
		if err == nil && json.Valid(answer) && n > bytes.Count(answer, []byte("{")) {
			t.Fatalf("%d tasks in %q", n, answer)
		}
	})
}
