// SPDX-License-Identifier: Apache-2.0

package task

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is a task that was created, and last changed, so many minutes after noon.
func at(minute int, name, phase string, change ...func(*v1alpha1.LivepeerTask)) v1alpha1.LivepeerTask {
	created := metav1.NewMicroTime(day.Add(time.Duration(minute) * time.Minute))
	t := v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.LivepeerTaskSpec{ID: name, Type: v1alpha1.TypeUpload},
		Status:     v1alpha1.LivepeerTaskStatus{Phase: phase, CreatedAt: &created, UpdatedAt: &created},
	}
	for _, f := range change {
		f(&t)
	}
	return t
}

func assets(in, out string) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) { t.Spec.InputAssetID, t.Spec.OutputAssetID = in, out }
}

func names(tasks []v1alpha1.LivepeerTask) string {
	var all []string
	for i := range tasks {
		all = append(all, tasks[i].Name)
	}
	return strings.Join(all, " ")
}

func TestOrder(t *testing.T) {
	tasks := []v1alpha1.LivepeerTask{
		at(1, "done-old", "completed"), at(9, "done-new", "completed"), at(5, "cancelled", "cancelled"),
		at(2, "failed-old", "failed"), at(3, "failed-new", "failed"), at(4, "running", "running"), at(8, "waiting", "waiting"), at(7, "odd", "", func(t *v1alpha1.LivepeerTask) { t.Status.UpdatedAt = new(metav1.NewMicroTime(day.Add(time.Hour))) }),
	}
	for want, sort := range map[string]func([]v1alpha1.LivepeerTask){
		"failed-new failed-old waiting odd running done-new cancelled done-old": SortForList,
		"running waiting odd done-new cancelled failed-new failed-old done-old": SortForWatch,
	} {
		shuffled := slices.Clone(tasks)
		slices.Reverse(shuffled)
		if sort(shuffled); names(shuffled) != want {
			t.Errorf("%s\nnot %s", names(shuffled), want)
		}
	}
	if got := Summary(tasks); got != "1 running, 1 waiting, 2 failed, 2 completed, 1 cancelled, 1 in other phases" {
		t.Error(got)
	}
	if got := Summary(nil); got != "no tasks" {
		t.Error(got)
	}
}

func TestFilter(t *testing.T) {
	f := Filter{Failed: true, Type: "a,b=c", Source: "main"}
	if got := f.FieldSelector(); got != `status.phase=failed,spec.type=a\,b\=c` {
		t.Error(got)
	}
	if got := f.LabelSelector(); got != "studio.livepeer.org/source=main" {
		t.Error(got)
	}
	task := at(0, "x", "completed", assets("in", "out"), func(t *v1alpha1.LivepeerTask) { t.Status.DisplayName = "Holiday.mp4" })
	for asset, want := range map[string]bool{"": true, "in": true, "OUT": true, "holiday.mp4": true, "other": false} {
		if f := (Filter{Asset: asset}); f.Matches(&task) != want {
			t.Errorf("%q: not %v", asset, want)
		}
	}
	long := at(0, "z", "completed", made(strings.Repeat("n", 70)), func(t *v1alpha1.LivepeerTask) { t.Status.DisplayName = strings.Repeat("n", 59) + "…" })
	for _, asset := range []string{strings.Repeat("N", 70), strings.Repeat("n", 59) + "…"} { // as kubectl get -o wide shows it
		if f := (Filter{Asset: asset}); !f.Matches(&long) {
			t.Errorf("%s is not found", asset)
		}
	}
	none := at(0, "y", "completed")
	if f := (Filter{Asset: "x"}); f.Matches(&none) {
		t.Error("the name of a task is no asset")
	}
}

func TestChoose(t *testing.T) {
	tasks := []v1alpha1.LivepeerTask{
		at(1, "upload-1", "completed", assets("", "asset-1")),
		at(5, "export-1", "failed", assets("asset-1", "")),
		at(3, "export-0", "completed", assets("asset-1", "")),
		at(2, "abc_1-hash", "running", func(t *v1alpha1.LivepeerTask) { t.Spec.ID = "ABC_1" }),
		at(2, "abcdef-ghi", "running", func(t *v1alpha1.LivepeerTask) { t.Spec.ID = "ABCDEF-GHI" }),
		at(2, "twin", "running", func(t *v1alpha1.LivepeerTask) { t.Spec.ID = "Twin" }),
		at(2, "twin-hash", "running", func(t *v1alpha1.LivepeerTask) { t.Spec.ID = "TWIN" }),
	}
	for arg, want := range map[string]string{
		"upload-1": "upload-1", "UPLOAD-1": "upload-1", "asset-1": "export-1", "ASSET-1": "export-1",
		"ABC_1": "abc_1-hash", "abc_1": "abc_1-hash", "abc_1-hash": "abc_1-hash", "ABCDEF-GHI": "abcdef-ghi",
		"Twin": "twin", "TWIN": "twin-hash", "nope": "", "": "",
	} {
		got := ""
		if chosen := Choose(arg, tasks); chosen != nil {
			got = chosen.Name
		}
		if got != want {
			t.Errorf("%q means %q, not %q", arg, got, want)
		}
	}
}

func TestChooseAmongTakesPartOfAName(t *testing.T) {
	tasks := []v1alpha1.LivepeerTask{at(1, "09f8b46c-61a0-1", "running"), at(1, "09f8b46c-61a0-2", "running"), at(1, "1aaaaaaa-0000-3", "running")}
	for arg, want := range map[string]string{"1aaaaaaa": "1aaaaaaa-0000-3", "1AAAAAAA-00": "1aaaaaaa-0000-3", "1aaaaaa": "", "09f8b46c-61a0-2": "09f8b46c-61a0-2"} {
		chosen, err := ChooseAmong(arg, tasks)
		if err != nil || (chosen == nil) != (want == "") || chosen != nil && chosen.Name != want {
			t.Errorf("%q: %v, %v", arg, chosen, err)
		}
	}
	for arg, want := range map[string]bool{"1AAAAAAA": false, "holidays": false, "09f8b46c-61a0-4254-9875-f71f4c605bc7": true} {
		if IsID(arg) != want {
			t.Errorf("%q is an ID: not %v", arg, want)
		}
	}
	tasks = append(tasks, at(2, "one", "completed", made("Holiday.mp4")), at(3, "two", "completed", made("a.mp4")), at(4, "three", "running", made("a.mp4")))
	if chosen, err := ChooseAmong("holiday.mp4", tasks); err != nil || chosen == nil || chosen.Name != "one" {
		t.Errorf("%v, %v", chosen, err)
	}
	const both = `"a.mp4" is what 2 tasks are called, such as two and three; name one of them`
	if _, err := ChooseAmong("a.mp4", tasks); err == nil || err.Error() != both {
		t.Error(err)
	}
	if _, err := ChooseAmong("09f8b46c", tasks); err == nil || !strings.Contains(err.Error(), "write more of it") {
		t.Error(err)
	}
}

func TestSelectorsFindWhateverAnArgumentMeans(t *testing.T) {
	if got := Selectors("09f8-AB"); !slices.Equal(got, []string{
		"metadata.name=09f8-ab",
		"spec.id=09F8-AB", "spec.outputAssetId=09F8-AB", "spec.inputAssetId=09F8-AB",
		"spec.id=09f8-AB", "spec.outputAssetId=09f8-AB", "spec.inputAssetId=09f8-AB",
		"spec.id=09f8-ab", "spec.outputAssetId=09f8-ab", "spec.inputAssetId=09f8-ab",
	}) {
		t.Errorf("%q", got)
	}
	if got := Selectors("1,=_"); got[0] != `spec.id=1\,\=_` {
		t.Errorf("%q", got)
	}
}

func TestOutcome(t *testing.T) {
	for phase, want := range map[string]Outcome{
		"completed": {true, 0, "upload x completed", ""},
		"failed":    {true, 1, "upload x failed: no disk", ""},
		"cancelled": {true, 1, "upload x was cancelled; it can be retried in Studio", ""},
		"waiting":   {false, 0, "upload x is waiting", ", and its last attempt failed: no disk"},
		"":          {false, 0, "upload x is unknown", ", and its last attempt failed: no disk"},
		"frozen":    {false, 0, "upload x is frozen", ", and its last attempt failed: no disk"},
	} {
		task := at(0, "x", phase, func(t *v1alpha1.LivepeerTask) { t.Status.ErrorMessage = "no disk" })
		if got := OutcomeOf(&task); got != want {
			t.Errorf("%s: %+v", phase, got)
		}
	}
	still := at(0, "x", "running")
	if got := OutcomeOf(&still); got != (Outcome{Message: "upload x is running"}) {
		t.Error(got)
	}
	still.Status.Conditions = []metav1.Condition{{Type: "Stalled", Status: "True", Reason: "NoUpdate"}}
	if got := OutcomeOf(&still).Trouble; got != ", without an update since 2026-03-01T12:00:00Z" {
		t.Error(got)
	}
	silent := at(0, "x", "failed")
	if got := OutcomeOf(&silent).Message; !strings.Contains(got, "Studio gives no reason") {
		t.Error(got)
	}
}

func TestMessage(t *testing.T) {
	long := strings.Repeat("long ", 20)
	failed := at(0, "x", "failed", func(t *v1alpha1.LivepeerTask) {
		t.Status.ErrorMessage = long
		t.Status.Conditions = []metav1.Condition{{Type: "Finished", Message: "lo…"}, {Type: "Stalled", Reason: "Failed", Message: "y"}}
	})
	waiting := at(0, "x", "waiting", func(t *v1alpha1.LivepeerTask) {
		t.Status.ErrorMessage = "of the last attempt"
		t.Status.Conditions = []metav1.Condition{{Type: "Finished", Message: "Waits for a worker."}}
	})
	stalled := at(0, "x", "running", func(t *v1alpha1.LivepeerTask) {
		t.Status.Conditions = []metav1.Condition{{Type: "Finished"}, {Type: "Stalled", Reason: "NoUpdate", Message: "no update"}}
	})
	running := at(0, "x", "running")
	for want, task := range map[string]*v1alpha1.LivepeerTask{long: &failed, "Waits for a worker.": &waiting, "no update": &stalled, "": &running} {
		if got := Message(task); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	odd := at(0, "x", "fr\tozen", func(t *v1alpha1.LivepeerTask) { t.Spec.Type = " a new\n type" })
	if got := Line(&odd, "x"); got != "x a-new-type fr-ozen -" {
		t.Errorf("columns can't be counted: %q", got)
	}
	if got := Line(&waiting, "ns/x"); got != "ns/x upload waiting - Waits for a worker." {
		t.Error(got)
	}
}

func TestSlimKeepsTheName(t *testing.T) {
	task := at(0, "x", "completed", made("a name that is longer than what status.displayName would hold of it, which is sixty"))
	name := Name(&task)
	if Slim(&task); Name(&task) != name || task.Status.Output != nil {
		t.Errorf("%+v", task.Status)
	}
}

func TestDescribe(t *testing.T) {
	task := at(0, "x", "failed", assets("in", "out"), func(t *v1alpha1.LivepeerTask) {
		t.Spec.ID, t.Spec.ProjectID, t.Labels = "X", "project", map[string]string{v1alpha1.LabelSource: "main"}
		t.Spec.Params = &v1alpha1.TaskParams{Upload: &v1alpha1.UploadParams{
			URL: "https://bucket.example.com/in.mp4?token=xxx", Profiles: []v1alpha1.TranscodeProfile{{Name: "720p"}, {Height: new(int64(360))}},
		}}
		t.Spec.RedactedFields = []string{"params.upload.url"}
		t.Spec.OmittedFields = []string{"params.clip", "userId"}
		t.Status.OmittedFields, t.Status.UnknownFields = []string{"output.upload"}, 2
		t.Status.ErrorMessage, t.Status.Retries = "no disk", new(int64(3))
		t.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: "False", Reason: "Failed", Message: "no disk"}}
		t.Status.UpdatedAt = new(metav1.NewMicroTime(day.Add(90 * time.Second)))
	})
	got := map[string]string{}
	for _, section := range Describe(&task, day.Add(time.Hour), term.Duration) {
		for _, field := range section.Fields {
			got[field.Label] = field.Value
		}
	}
	for label, want := range map[string]string{
		"Input asset": "in", "Output asset": "out", "Project": "project", "Source": "main", "Asked for": "renditions 720p, 360p", "From": "bucket.example.com", "Task ID": "X", "Phase": "failed",
		"Created": "2026-03-01T12:00:00Z (1h0m ago)", "Took": "1m30s", "Retries": "3", "Error": "no disk", "Ready": "False (Failed)",
		"Masked": "spec.params.upload.url", "Left out": "spec.params.clip, status.output.upload", "Unknown": "2 fields that the operator does not know; look for a newer one",
	} {
		if got[label] != want {
			t.Errorf("%s: %q, not %q", label, got[label], want)
		}
	}
}

func TestDescribeWhatIsUnderWay(t *testing.T) {
	task := at(0, "x", "running", func(t *v1alpha1.LivepeerTask) {
		t.Spec.Params = &v1alpha1.TaskParams{TranscodeFile: &v1alpha1.TranscodeFileParams{
			Storage: &v1alpha1.FileLocation{URL: "s3+https://***:***@out.example.com/b"}, Outputs: &v1alpha1.TranscodeOutputs{MP4: &v1alpha1.OutputPath{}},
		}}
		t.Status.Progress = new(int32(40))
	})
	got := ""
	for _, section := range Describe(&task, day.Add(time.Hour), term.Duration) {
		for _, field := range section.Fields {
			got += field.Label + ": " + field.Value + "\n"
		}
	}
	if got != "Asked for: make MP4\nTo: out.example.com\nPhase: running, 40%\nCreated: 2026-03-01T12:00:00Z (1h0m ago)\nLast update: 1h0m ago\n" {
		t.Error(got)
	}
}

// TestDescribeOfOtherTimes: what Studio does not tell is not made up, and a task that waited for its file says since when it could go on.
func TestDescribeOfOtherTimes(t *testing.T) {
	undated := at(0, "x", "completed", func(t *v1alpha1.LivepeerTask) {
		t.Status.CreatedAt, t.CreationTimestamp = nil, metav1.NewTime(day.Add(30*time.Minute))
	})
	later := at(0, "x", "completed", func(t *v1alpha1.LivepeerTask) {
		t.Status.ScheduledAt, t.Status.UpdatedAt = new(metav1.NewMicroTime(day.Add(50*time.Minute))), new(metav1.NewMicroTime(day.Add(59*time.Minute)))
	})
	sooner := at(0, "x", "running", func(t *v1alpha1.LivepeerTask) {
		t.Status.ScheduledAt = new(metav1.NewMicroTime(day.Add(15 * time.Millisecond)))
	})
	for want, task := range map[string]*v1alpha1.LivepeerTask{
		"[{Phase completed} {First mirrored 2026-03-01T12:30:00Z (30m0s ago)} {Last update 1h0m ago}]":                            &undated,
		"[{Phase completed} {Created 2026-03-01T12:00:00Z (1h0m ago)} {Scheduled 2026-03-01T12:50:00Z (10m0s ago)} {Took 59m0s}]": &later,
		"[{Phase running} {Created 2026-03-01T12:00:00Z (1h0m ago)} {Last update 1h0m ago}]":                                      &sooner,
	} {
		if got := fmt.Sprint(Describe(task, day.Add(time.Hour), term.Duration)[0].Fields); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestOneUnknownField(t *testing.T) {
	task := at(0, "x", "running", func(t *v1alpha1.LivepeerTask) { t.Spec.UnknownFields = 1 })
	sections := Describe(&task, day, term.Duration)
	if got := sections[len(sections)-1].Fields[0].Value; got != "1 field that the operator does not know; look for a newer one" {
		t.Error(got)
	}
}

// TestClipOfOddTimes: what is no time is not shown as one.
func TestClipOfOddTimes(t *testing.T) {
	for _, odd := range []float64{1e300, -1e300, 9e15, -1} {
		for _, clip := range []v1alpha1.ClipStrategy{{StartTime: &odd}, {StartTime: new(1e12), EndTime: &odd}} {
			task := at(0, "x", "running", func(t *v1alpha1.LivepeerTask) {
				t.Spec.Params = &v1alpha1.TaskParams{Clip: &v1alpha1.ClipParams{ClipStrategy: &clip}}
			})
			for _, field := range Describe(&task, day, term.Duration)[0].Fields {
				if field.Label == "Asked for" && field.Value != "from 2001-09-09T01:46:40Z" {
					t.Errorf("%g: %s", odd, field.Value)
				}
			}
		}
	}
}
