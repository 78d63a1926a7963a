// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"strings"
	"testing"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// TestTransitionOf: which change of a task people are told of, and as what.
func TestTransitionOf(t *testing.T) {
	for name, c := range map[string]struct {
		before, phase, want string
		retries             int64 // there was one before
		sameTime            bool
	}{
		"new and running":          {before: "new", phase: "running", want: "Running"},
		"new and pending":          {before: "new", phase: "pending"},
		"new and ended":            {before: "new", phase: "completed"},
		"new and failed":           {before: "new", phase: "failed"},
		"starts":                   {before: "waiting", phase: "running", want: "Running"},
		"starts at once":           {before: "pending", phase: "running", want: "Running"},
		"gets on":                  {before: "running", phase: "running"},
		"gets in line":             {before: "pending", phase: "waiting"},
		"ends":                     {before: "running", phase: "completed", want: "Completed"},
		"ends unseen":              {before: "pending", phase: "completed", want: "Completed"},
		"fails":                    {before: "running", phase: "failed", want: "!Failed"},
		"is cancelled":             {before: "waiting", phase: "cancelled", want: "!Cancelled"},
		"back in line":             {before: "running", phase: "waiting", want: "Retrying"},
		"back at the beginning":    {before: "running", phase: "pending", want: "Retrying"},
		"failed, in line":          {before: "failed", phase: "waiting", want: "Retrying"},
		"failed, running":          {before: "failed", phase: "running", want: "Retrying"},
		"cancelled, pending":       {before: "cancelled", phase: "pending", want: "Retrying"},
		"retried unseen":           {before: "running", phase: "running", retries: 2, want: "Retrying"},
		"retried unseen, waiting":  {before: "waiting", phase: "waiting", retries: 2, want: "Retrying"},
		"runs again":               {before: "waiting", phase: "running", retries: 2, want: "Retrying"},
		"failed once more, unseen": {before: "failed", phase: "failed", retries: 2, want: "!Failed"},
		"a note is corrected":      {before: "failed", phase: "failed"},
		"retries go back":          {before: "running", phase: "running", retries: -1},
		"an unknown phase":         {before: "running", phase: "frozen"},
		"from an unknown phase":    {before: "frozen", phase: "failed", want: "!Failed"},
		"an edit is undone":        {before: "running", phase: "failed", sameTime: true},
	} {
		status := &observed("A", "upload", c.phase, noon+1).Status
		status.Retries = new(int64(1))
		before := &Entry{Shown: Shown{Phase: c.before, ObservedGeneration: 1, UpdatedAt: noon, Retries: 1}}
		if c.retries != 0 {
			status.Retries = new(c.retries)
		}
		if c.before == "new" {
			before = &Entry{}
		}
		if c.sameTime {
			before.UpdatedAt = noon + 1
		}
		got, ok := TransitionOf(before, status)
		reason := got.Reason
		if got.Warning {
			reason = "!" + reason
		}
		if ok != (c.want != "") || ok && (reason != c.want || got.Note == "") {
			t.Errorf("%s: %v %+v", name, ok, got)
		}
	}
	byOthers := &Entry{Shown: Shown{Phase: "running", ObservedGeneration: 1}}
	if got, ok := TransitionOf(byOthers, &observed("A", "upload", "failed", noon).Status); ok {
		t.Errorf("an edit of the time is undone: %+v", got)
	}
}

// TestStalledIsToldOnce: not with each write while it lasts, and not where the task gets on at last.
func TestStalledIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		before  string
		stalled bool // it was already
		want    string
	}{
		"stalls":       {"running", false, "!Stalled"},
		"goes on so":   {"running", true, ""},
		"starts, late": {"waiting", false, "Running"},
	} {
		status := &observed("A", "upload", "running", noon).Status
		status.Conditions = append(status.Conditions, metav1.Condition{Type: v1alpha1.ConditionStalled, Reason: v1alpha1.ReasonNoUpdate, Message: "Silent"})
		before := &Entry{Shown: Shown{Phase: c.before, ObservedGeneration: 1, UpdatedAt: noon, Stalled: c.stalled}}
		if c.before != "running" {
			before.UpdatedAt--
		}
		got, ok := TransitionOf(before, status)
		reason := got.Reason
		if got.Warning {
			reason = "!" + reason
		}
		if ok != (c.want != "") || ok && reason != c.want || reason == "!Stalled" && got.Note != "Silent" {
			t.Errorf("%s: %v %+v", name, ok, got)
		}
	}
}

// TestNotes say what a person needs, and no more than an Event holds.
func TestNotes(t *testing.T) {
	before := &Entry{Shown: Shown{Phase: "running", ObservedGeneration: 1, UpdatedAt: noon}}
	note := func(phase string, change func(*v1alpha1.LivepeerTaskStatus)) string {
		status := observed("A", "upload", phase, noon+1).Status
		change(&status)
		got, _ := TransitionOf(before, &status)
		return got.Note
	}
	playable := func(url string) func(*v1alpha1.LivepeerTaskStatus) {
		return func(status *v1alpha1.LivepeerTaskStatus) {
			status.Output = &v1alpha1.TaskOutput{Clip: &v1alpha1.AssetOutput{AssetSpec: &v1alpha1.AssetSpec{PlaybackURL: url}}}
		}
	}
	failing := func(message string) func(*v1alpha1.LivepeerTaskStatus) {
		return func(status *v1alpha1.LivepeerTaskStatus) {
			status.ErrorMessage, status.Retries = message, new(int64(3))
		}
	}
	retried := func(times int64) func(*v1alpha1.LivepeerTaskStatus) {
		return func(status *v1alpha1.LivepeerTaskStatus) { status.Retries = &times }
	}
	for got, want := range map[string]string{
		note("completed", playable("https://cdn.example.com/index.m3u8")): "Playback: https://cdn.example.com/index.m3u8",
		note("completed", playable("")):                                   "The task completed.",
		note("failed", failing("no disk")):                                "The task failed: no disk",
		note("failed", failing("")):                                       "no reason",
		note("waiting", failing("no disk")):                               "retry 3. The last attempt failed: no disk",
		note("waiting", retried(0)):                                       "The task is tried again.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	long := strings.Repeat("é", 5000)
	for _, got := range []string{note("completed", playable(long)), note("failed", failing(long)), note("waiting", failing(long))} {
		if len(got) > 1024 || len(got) < 1000 || !utf8.ValidString(got) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	}
}
