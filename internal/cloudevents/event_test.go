// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func aSource() *v1alpha1.LivepeerTaskSource {
	return &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "main", UID: "source-uid"}}
}

func aTask() *v1alpha1.LivepeerTask {
	progress := int32(100)
	return &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "task-1"},
		Spec:       v1alpha1.LivepeerTaskSpec{ID: "ID-1", Type: "upload", OutputAssetID: "asset"},
		Status: v1alpha1.LivepeerTaskStatus{
			Phase: "completed", UpdatedAt: at(1700000000123), Progress: &progress, ErrorMessage: "an earlier attempt failed",
			Output: &v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{AssetSpec: &v1alpha1.AssetSpec{PlaybackURL: "https://play.example/x"}}},
		},
	}
}

// TestEvent is what docs/cloudevents.md shows.
func TestEvent(t *testing.T) {
	const want = `{
		"specversion": "1.0", "id": "1adc2b7c455bac7f04335fc211274909", "type": "org.livepeer.studio.task.completed",
		"source": "/apis/studio.livepeer.org/v1alpha1/namespaces/media/livepeertasksources/main", "subject": "ID-1",
		"time": "2023-11-14T22:13:20.123Z", "datacontenttype": "application/json",
		"data": {
			"namespace": "media", "name": "task-1", "source": "main", "id": "ID-1", "type": "upload", "phase": "completed",
			"previousPhase": "running", "outputAssetId": "asset", "progress": 100, "errorMessage": "an earlier attempt failed",
			"playbackUrl": "https://play.example/x"
		}
	}`
	transition := v1alpha1.Transition{Phase: "completed", PreviousPhase: "running", UpdatedAt: at(1700000000123)}
	event, err := NewEvent(aSource(), aTask(), &transition, true)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decoded(t, want), decoded(t, string(sent))); diff != "" {
		t.Error(diff)
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestEventOfThePast: what the task is like now does not belong to a phase that it has left.
func TestEventOfThePast(t *testing.T) {
	for what, c := range map[string]struct {
		phase  string
		latest bool
	}{
		"another phase now":                {"failed", true},
		"the same phase again, but before": {"completed", false},
	} {
		event, err := NewEvent(aSource(), aTask(), &v1alpha1.Transition{Phase: c.phase, UpdatedAt: at(1)}, c.latest)
		var data Data
		if err != nil || json.Unmarshal(event.Data(), &data) != nil {
			t.Fatal(err)
		}
		if data.Progress != nil || data.ErrorMessage != "" || data.PlaybackURL != "" || data.ID != "ID-1" {
			t.Errorf("%s: %+v", what, data)
		}
	}
}

// TestEventID: a repeat has the same ID whatever has become of the task, and no other event has it.
func TestEventID(t *testing.T) {
	id := func(change func(*v1alpha1.LivepeerTaskSource, *v1alpha1.LivepeerTask, *v1alpha1.Transition)) string {
		source, task := aSource(), aTask()
		transition := v1alpha1.Transition{Phase: "running", PreviousPhase: "waiting", UpdatedAt: at(1000)}
		change(source, task, &transition)
		event, err := NewEvent(source, task, &transition, true)
		if err != nil {
			t.Fatal(err)
		}
		return event.ID()
	}
	first := id(func(*v1alpha1.LivepeerTaskSource, *v1alpha1.LivepeerTask, *v1alpha1.Transition) {})
	for what, c := range map[string]struct {
		change func(*v1alpha1.LivepeerTaskSource, *v1alpha1.LivepeerTask, *v1alpha1.Transition)
		same   bool
	}{
		"the task went on": {func(_ *v1alpha1.LivepeerTaskSource, task *v1alpha1.LivepeerTask, _ *v1alpha1.Transition) {
			task.Status.Phase = "failed"
		}, true},
		"another object": {func(_ *v1alpha1.LivepeerTaskSource, task *v1alpha1.LivepeerTask, _ *v1alpha1.Transition) {
			task.UID = "other"
		}, true},
		"another source": {func(source *v1alpha1.LivepeerTaskSource, _ *v1alpha1.LivepeerTask, _ *v1alpha1.Transition) {
			source.UID = "other"
		}, false},
		"another task": {func(_ *v1alpha1.LivepeerTaskSource, task *v1alpha1.LivepeerTask, _ *v1alpha1.Transition) {
			task.Spec.ID = "ID-2"
		}, false},
		"another phase": {func(_ *v1alpha1.LivepeerTaskSource, _ *v1alpha1.LivepeerTask, tr *v1alpha1.Transition) {
			tr.Phase = "failed"
		}, false},
		"another time": {func(_ *v1alpha1.LivepeerTaskSource, _ *v1alpha1.LivepeerTask, tr *v1alpha1.Transition) {
			tr.UpdatedAt = at(1001)
		}, false},
	} {
		if got := id(c.change); (got == first) != c.same {
			t.Errorf("%s: the same ID: %v", what, got == first)
		}
	}
}

func TestEventType(t *testing.T) {
	for phase, want := range map[string]string{
		"completed": "org.livepeer.studio.task.completed", "On-Hold": "org.livepeer.studio.task.on-hold",
		"two words": "org.livepeer.studio.task.other", "": "org.livepeer.studio.task.other", "naïve": "org.livepeer.studio.task.other",
	} {
		if got := eventType(phase); got != want {
			t.Errorf("%q: %s", phase, got)
		}
	}
}

func at(ms int64) *metav1.MicroTime { return &metav1.MicroTime{Time: time.UnixMilli(ms)} }
