// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

const noon = int64(1587667174725) // a time in milliseconds since 1970

// TestAnEditedIDIsPutRightBeforeLimits: where the task of an object with an edited ID is beyond a limit, the object is put right, if its name
// tells whose it is, and then goes as any other. Before, it stayed as it was for ever.
func TestAnEditedIDIsPutRightBeforeLimits(t *testing.T) {
	const id = "7b245424-7023-4929-abc9-69f8f976e81c"
	for name, c := range map[string]struct {
		id     string
		scope  func(*Scope)
		change func(*v1alpha1.LivepeerTask)
		want   []string // then what the limits say
	}{
		"history":              {id: id, scope: func(s *Scope) { s.Oldest.UpdatedAt = noon + 2 }, want: []string{"Update " + id, "DeleteHistory " + id}},
		"type":                 {id: id, scope: func(s *Scope) { s.Types = []string{"clip"} }, want: []string{"DeleteType " + id}},
		"type, another's":      {id: id, scope: func(s *Scope) { s.Types = []string{"clip"} }, change: others},
		"no telling whose":     {id: "A", scope: func(s *Scope) { s.Oldest.UpdatedAt = noon + 2 }},
		"within its limits":    {id: id, scope: func(*Scope) {}, want: []string{"Update " + id}},
		"the label edited too": {id: id, scope: func(s *Scope) { s.Types = []string{"clip"} }, change: func(t *v1alpha1.LivepeerTask) { t.Labels[v1alpha1.LabelSource] = "x" }},
	} {
		t.Run(name, func(t *testing.T) {
			s, scope := stored(t, observed(c.id, "upload", "running", noon)), testScope
			task := s.get(mirror.Names(c.id)[0])
			task.Spec.ID = "forged"
			if c.change != nil {
				c.change(task)
			}
			s.put(task)
			c.scope(&scope)
			planned := Plan(scope, []*mirror.Observation{observed(c.id, "upload", "completed", noon+1)}, s.lookup).Actions
			s.apply(scope, planned)
			got := append(verbs(planned), verbs(Limits(scope, each(s.entries(scope.SourceUID))))...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// verbs sums up actions: what is done to which object, and why.
func verbs(actions []Action) []string {
	var all []string
	for _, action := range actions {
		name := action.Stored.Name
		if action.Desired != nil {
			name = action.Desired.Name
		}
		all = append(all, string(action.Verb)+action.Because+" "+name)
	}
	return all
}

// stored is a cluster that holds these tasks of testScope.
func stored(t failer, tasks ...*mirror.Observation) *apiServer {
	s := newAPIServer(t)
	s.apply(testScope, Plan(testScope, tasks, s.lookup).Actions)
	return s
}

// TestPlan: what is stored is a running upload, named a, of the ID A. Then it is changed, another observation is made,
// or the scope is another.
func TestPlan(t *testing.T) {
	running := observed("A", "upload", "running", noon)
	completed := observed("A", "upload", "completed", noon+1)
	deleted := &mirror.Observation{ID: "A", Deleted: true}
	for name, c := range map[string]struct {
		change   func(*v1alpha1.LivepeerTask)
		scope    func(*Scope)
		observed *mirror.Observation
		want     string // "" where nothing is to be done
		count    Result // the counts, by length
	}{
		"the same":          {observed: running},
		"changed in Studio": {observed: completed, want: "UpdateStatus a"},
		"new":               {observed: observed("B", "upload", "running", noon), want: "Create b"},
		"gone":              {observed: deleted},
		"another gone":      {observed: &mirror.Observation{ID: "B", Deleted: true}},
		"older":             {observed: observed("A", "upload", "waiting", noon-1), count: Result{Stale: 1}},
		"older, other type": {
			observed: observed("A", "upload", "waiting", noon-1), scope: func(s *Scope) { s.Types = []string{"clip"} }, count: Result{Stale: 1},
		},
		"changed within the millisecond": {observed: observed("A", "upload", "failed", noon), want: "UpdateStatus a"},
		"type not wanted":                {observed: running, scope: func(s *Scope) { s.Types = []string{"clip"} }, want: "DeleteType a"},
		"type wanted":                    {observed: running, scope: func(s *Scope) { s.Types = []string{"clip", "upload"} }},
		"new, not wanted":                {observed: observed("B", "clip", "running", noon), scope: func(s *Scope) { s.Types = []string{"upload"} }},
		"not wanted, the label edited": {
			observed: running, scope: func(s *Scope) { s.Types = []string{"clip"} },
			change: func(t *v1alpha1.LivepeerTask) { t.Labels[v1alpha1.LabelSource] = "x" },
		},
		"not wanted, the owner edited": {
			observed: running, scope: func(s *Scope) { s.Types = []string{"clip"} },
			change: func(task *v1alpha1.LivepeerTask) { others(task); task.Labels[v1alpha1.LabelSource] = testScope.Source },
		},
		"not wanted, an earlier source's of the name": {
			observed: running, scope: func(s *Scope) { s.Types = []string{"clip"} }, want: "DeleteType a",
			change: func(t *v1alpha1.LivepeerTask) { t.OwnerReferences[0].UID = "earlier" },
		},
		"not wanted, nobody's": {
			observed: running, scope: func(s *Scope) { s.Types = []string{"clip"} },
			change: func(t *v1alpha1.LivepeerTask) { t.OwnerReferences, t.Labels = nil, nil },
		},
		"unfinished, however old": {observed: running, scope: func(s *Scope) { s.Oldest.UpdatedAt = noon + 100 }},
		"finished and old": {
			observed: completed, scope: func(s *Scope) { s.Oldest.UpdatedAt = noon + 2 }, want: "DeleteHistory a",
			count: Result{Omitted: []string{"A"}},
		},
		"finished, just kept": {observed: completed, scope: func(s *Scope) { s.Oldest = mirror.Stamp{UpdatedAt: noon + 1, ID: "A"} }, want: "UpdateStatus a"},
		"finished, not to be made anew": {
			observed: observed("B", "upload", "failed", noon), scope: func(s *Scope) { s.OldestNew.UpdatedAt = noon + 1 },
			count: Result{Omitted: []string{"B"}},
		},
		"finished, but there": {
			observed: completed, scope: func(s *Scope) { s.OldestNew.UpdatedAt = noon + 100 }, want: "UpdateStatus a",
		},
		"spec edited":        {observed: running, change: func(t *v1alpha1.LivepeerTask) { t.Spec.OutputAssetID = "x" }, want: "Update a"},
		"label edited":       {observed: running, change: func(t *v1alpha1.LivepeerTask) { t.Labels[v1alpha1.LabelSource] = "x" }, want: "Update a"},
		"label added":        {observed: running, change: func(t *v1alpha1.LivepeerTask) { t.Labels["x"] = "y" }},
		"status edited":      {observed: running, change: func(t *v1alpha1.LivepeerTask) { t.Status.ErrorMessage = "x" }, want: "UpdateStatus a"},
		"status missing":     {observed: running, change: func(t *v1alpha1.LivepeerTask) { t.Status = v1alpha1.LivepeerTaskStatus{} }, want: "UpdateStatus a"},
		"generation unnoted": {observed: running, change: func(t *v1alpha1.LivepeerTask) { t.Status.ObservedGeneration = 0 }, want: "UpdateStatus a"},
		"time unknown":       {observed: observed("A", "upload", "waiting", noon-1), change: func(t *v1alpha1.LivepeerTask) { t.Status.UpdatedAt = nil }, want: "UpdateStatus a"},
		"ID edited":          {observed: running, change: func(t *v1alpha1.LivepeerTask) { t.Spec.ID = "forged" }, want: "Update a"},
		"nobody's":           {observed: running, change: func(t *v1alpha1.LivepeerTask) { t.OwnerReferences = nil }, want: "Update a"},
		"an earlier source's": {
			observed: running, change: func(t *v1alpha1.LivepeerTask) { t.OwnerReferences[0].UID = "x" }, want: "Update a",
		},
		"the owner edited": {
			observed: running, want: "Update a",
			change: func(task *v1alpha1.LivepeerTask) { others(task); task.Labels[v1alpha1.LabelSource] = testScope.Source },
		},
		"another source's": {observed: completed, change: others, count: Result{Conflicts: []string{"A"}}},
		"another source's, of a type not wanted": {
			observed: completed, change: others, scope: func(s *Scope) { s.Types = []string{"clip"} },
		},
		"another source's, gone": {observed: deleted, change: others, count: Result{Conflicts: []string{"A"}}},
		"another source's, the ID edited": {
			observed: completed, count: Result{Conflicts: []string{"A"}},
			change: func(task *v1alpha1.LivepeerTask) { others(task); task.Spec.ID = "forged" },
		},
		"another source's, the ID edited, of a type not wanted": {
			observed: completed, scope: func(s *Scope) { s.Types = []string{"clip"} },
			change: func(task *v1alpha1.LivepeerTask) { others(task); task.Spec.ID = "forged" },
		},
		"being deleted":       {observed: completed, change: deleting},
		"being deleted, gone": {observed: deleted, change: deleting},
	} {
		t.Run(name, func(t *testing.T) {
			s, scope := stored(t, running), testScope
			if c.change != nil {
				task := s.get("a")
				c.change(task)
				s.put(task)
			}
			if c.scope != nil {
				c.scope(&scope)
			}
			plan := Plan(scope, []*mirror.Observation{c.observed}, s.lookup)
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			if diff := cmp.Diff(want, verbs(plan.Actions)); diff != "" {
				t.Error(diff)
			}
			plan.Actions, plan.Current = nil, nil
			if diff := cmp.Diff(c.count, plan); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGone: what is gone in Studio goes. Where somebody edited the ID, the owner or the source, Studio was asked about another task,
// or another Studio was.
func TestGone(t *testing.T) {
	s := stored(t, observed("A", "upload", "running", noon))
	edits := map[string]func(*v1alpha1.LivepeerTask){
		"another ID":     func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "forged" },
		"another case":   func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "a"; edited(task, "f:id") },
		"no owner":       func(task *v1alpha1.LivepeerTask) { task.OwnerReferences = nil },
		"another owner":  others,
		"another source": func(task *v1alpha1.LivepeerTask) { task.Labels[v1alpha1.LabelSource] = "other" },
		"deleting":       deleting,
	}
	for name, edit := range edits {
		task := s.get("a").DeepCopy()
		edit(task)
		entry := mirror.EntryOf(task)
		if actions := Deletion(&testScope, &entry); len(actions) > 0 {
			t.Errorf("%s: %v", name, verbs(actions))
		}
	}
	for name, edit := range map[string]func(*v1alpha1.LivepeerTask){
		"as it was":       func(*v1alpha1.LivepeerTask) {},
		"another project": func(task *v1alpha1.LivepeerTask) { edited(task, "f:projectId") },
		"restored": func(task *v1alpha1.LivepeerTask) {
			edited(task, "f:id")
			task.Generation, task.Status = 1, v1alpha1.LivepeerTaskStatus{}
		},
	} {
		task := s.get("a").DeepCopy()
		edit(task)
		entry := mirror.EntryOf(task)
		if diff := cmp.Diff([]string{"DeleteDeleted a"}, verbs(Deletion(&testScope, &entry))); diff != "" {
			t.Error(name, diff)
		}
	}
}

// edited says that somebody else has set a field of the spec.
func edited(task *v1alpha1.LivepeerTask, field string) {
	task.Generation = task.Status.ObservedGeneration + 1
	task.ManagedFields = []metav1.ManagedFieldsEntry{{
		Manager: "kubectl-edit", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"` + field + `":{}}}`),
	}}
}

// TestLimitsDeleteNothingThatWasEdited: a type that somebody wrote says nothing of the task, and what is found by an edited ID may
// be another task's.
func TestLimitsDeleteNothingThatWasEdited(t *testing.T) {
	s := stored(t, observed("A", "upload", "running", noon))
	task := s.get("a").DeepCopy()
	task.Spec.Type = "clip"
	edited(task, "f:type")
	s.put(task)
	scope := testScope
	scope.Types = []string{"upload"}
	if actions := Limits(scope, each(s.entries(scope.SourceUID))); len(actions) > 0 {
		t.Errorf("%v", verbs(actions))
	}
	task = s.get("a").DeepCopy()
	task.Spec.ID = "a"
	edited(task, "f:id")
	s.put(task)
	if plan := Plan(scope, []*mirror.Observation{observed("a", "clip", "running", noon)}, s.lookup); len(plan.Actions) > 0 {
		t.Errorf("%v", verbs(plan.Actions))
	}
	if plan := Plan(scope, []*mirror.Observation{observed("A", "upload", "running", noon)}, s.lookup); len(plan.Actions) != 1 {
		t.Errorf("not put right: %v", verbs(plan.Actions))
	}
}

// TestNameless: tasks made on purpose to hold all names of another do not take it along unnoticed.
func TestNameless(t *testing.T) {
	names := mirror.Names("ABC")
	s := stored(t, observed("abc", "upload", "running", noon), observed(names[1], "upload", "running", noon),
		observed(names[2], "upload", "running", noon))
	upper := observed("ABC", "upload", "running", noon)
	plan := Plan(testScope, []*mirror.Observation{upper, upper}, s.lookup)
	if len(plan.Actions) > 0 || len(plan.Nameless) != 2 {
		t.Errorf("%v, nameless %v", verbs(plan.Actions), plan.Nameless)
	}
}

func others(task *v1alpha1.LivepeerTask) {
	task.OwnerReferences[0].UID, task.OwnerReferences[0].Name = "uid-of-other", "other"
	task.Labels[v1alpha1.LabelSource] = "other"
}

func deleting(task *v1alpha1.LivepeerTask) {
	task.DeletionTimestamp = new(metav1.NewTime(time.UnixMilli(noon)))
}

// TestPlanNames: every ID gets an object of its own, in the first place and for good.
func TestPlanNames(t *testing.T) {
	ids := []string{"ABC", "abc", "aBc", mirror.Names("abc")[1], "a/b"}
	var all []*mirror.Observation
	for _, id := range ids {
		all = append(all, observed(id, "upload", "running", noon))
	}
	s := stored(t, all...)
	want := map[string]string{
		"abc": "ABC", mirror.Names("abc")[1]: "abc", mirror.Names("aBc")[1]: "aBc", mirror.Names(mirror.Names("abc")[1])[1]: mirror.Names("abc")[1], mirror.Names("a/b")[0]: "a/b",
	}
	got := map[string]string{}
	for _, name := range s.names() {
		got[name] = s.get(name).Spec.ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	slices.Reverse(all)
	if again := Plan(testScope, all, s.lookup); len(again.Actions) > 0 {
		t.Errorf("in another order: %v", verbs(again.Actions))
	}
}

// TestPlanTwiceTheSame: a task that was seen twice is made once, as it was seen first.
func TestPlanTwiceTheSame(t *testing.T) {
	s := newAPIServer(t)
	seen := []*mirror.Observation{observed("A", "upload", "completed", noon+1), observed("A", "upload", "running", noon)}
	plan := Plan(testScope, seen, s.lookup)
	if got := verbs(plan.Actions); !slices.Equal(got, []string{"Create a"}) {
		t.Fatalf("%v", got)
	}
	s.apply(testScope, plan.Actions)
	if again := Plan(testScope, seen, s.lookup); len(again.Actions) > 0 || again.Stale != 1 || s.get("a").Status.Phase != "completed" {
		t.Errorf("%+v", again)
	}
}

// TestPlanInOrder: the newest is written first, if it was observed first.
func TestPlanInOrder(t *testing.T) {
	s := stored(t, observed("id-1", "upload", "running", noon), observed("id-3", "upload", "running", noon))
	var seen []*mirror.Observation
	var want []string
	for i := range 5 {
		seen = append(seen, observed(fmt.Sprintf("id-%d", i), "upload", "waiting", noon+1))
		want = append(want, map[bool]string{true: "UpdateStatus ", false: "Create "}[i%2 == 1]+seen[i].ID)
	}
	if diff := cmp.Diff(want, verbs(Plan(testScope, seen, s.lookup).Actions)); diff != "" {
		t.Error(diff)
	}
}

func TestDesired(t *testing.T) {
	o := observed("A", "a type!", "running", noon)
	task := Plan(testScope, []*mirror.Observation{o}, newAPIServer(t).lookup).Actions[0].Desired
	want := metav1.ObjectMeta{
		Name: "a", Namespace: "media",
		Labels: map[string]string{"studio.livepeer.org/source": "main", "studio.livepeer.org/type": "a-type"},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "studio.livepeer.org/v1alpha1", Kind: "LivepeerTaskSource", Name: "main", UID: "uid-of-main", Controller: new(true),
		}},
	}
	if diff := cmp.Diff(want, task.ObjectMeta); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(o.Spec, task.Spec) + cmp.Diff(o.Status, task.Status); diff != "" {
		t.Error(diff)
	}
	untyped := testScope.desired(observed("A", "", "running", noon), "a")
	if _, ok := untyped.Labels[v1alpha1.LabelType]; ok {
		t.Errorf("%v", untyped.Labels)
	}
}
