// SPDX-License-Identifier: Apache-2.0

package plan

import (
	gocmp "cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// TestPlanAlways plays Studio, its tasks, two sources and people with kubectl against each other, and looks after every
// plan whether the mirror is what it should be.
func TestPlanAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		play(t, rapid.IntRange(0, 50).Draw(t, "steps"), func(what string, n int) int {
			return rapid.IntRange(0, n-1).Draw(t, what)
		})
	})
}

// FuzzPlan is the same with choices by the fuzzer: one byte each.
func FuzzPlan(f *testing.F) {
	for seed := range byte(20) {
		var script []byte
		for i := range byte(12) {
			sum := sha256.Sum256([]byte{seed, i})
			script = append(script, sum[:]...)
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		play(t, min(len(script)/4, 50), func(_ string, n int) int {
			if len(script) == 0 {
				return 0
			}
			choice := int(script[0]) % n
			script = script[1:]
			return choice
		})
	})
}

// universe are IDs that get into each other's way: some meet when they are lower-cased, some are no names, some are the
// name that another gets instead.
var universe = []string{
	"abc", "ABC", "aBc", mirror.Names("ABC")[1], "a/b", "a b", mirror.Names("a/b")[0], "日本", "plain", "Plain-2",
	strings.Repeat("x", 253), strings.Repeat("X", 253), strings.Repeat("y", 300),
}

// game is Studio, and the cluster that mirrors it.
type game struct {
	*apiServer
	choose func(what string, n int) int // answers 0 to n-1
	scope  Scope
	other  Scope
	clock  int64                            // milliseconds since 1970
	tasks  map[string][]*mirror.Observation // by ID: all that could be observed of the task, the latest last
	// forged are the true IDs of objects whose ID somebody edited, by name.
	forged map[string]string
}

func play(t failer, steps int, choose func(string, int) int) {
	g := &game{
		apiServer: newAPIServer(t),
		choose:    choose,
		scope:     testScope,
		other:     Scope{Namespace: "media", Source: "other", SourceUID: "uid-of-other"},
		clock:     noon,
		tasks:     map[string][]*mirror.Observation{},
		forged:    map[string]string{},
	}
	for range choose("tasks", 12) {
		g.taskChanges()
	}
	g.observe(&g.other, choose("other's", 4), false)
	for range steps {
		g.step()
	}
}

func (g *game) step() {
	switch g.choose("step", 12) {
	case 0, 1, 2:
		g.taskChanges()
	case 3:
		g.taskGoes()
	case 4, 5:
		g.observe(&g.scope, g.choose("n", 6), true)
	case 6, 7:
		g.observe(&g.scope, len(universe), false)
	case 8:
		g.limits()
	case 9, 10:
		g.edit()
	default:
		g.remove()
	}
}

// one chooses from a list.
func one[T any](g *game, what string, all ...T) T {
	return all[g.choose(what, len(all))]
}

// taskChanges makes a task, or changes one.
func (g *game) taskChanges() {
	id := one(g, "id", universe...)
	g.clock += int64(g.choose("ms", 3))
	g.tasks[id] = append(g.tasks[id], observed(id, one(g, "type", "upload", "clip", "very new!", ""),
		one(g, "phase", "waiting", "running", "completed", "failed", "frozen"), g.clock))
}

// taskGoes deletes a task from Studio.
func (g *game) taskGoes() {
	id := one(g, "id", universe...)
	if len(g.tasks[id]) > 0 {
		g.tasks[id] = append(g.tasks[id], &mirror.Observation{ID: id, Deleted: true})
	}
}

// observe lets a source see n of the tasks, in any order, as they are or, from a replica that lags, as they were.
func (g *game) observe(scope *Scope, n int, lagging bool) {
	ids := slices.Sorted(maps.Keys(g.tasks))
	var seen []*mirror.Observation
	for range min(n, len(ids)) {
		i := g.choose("which", len(ids))
		history := g.tasks[ids[i]]
		at := len(history) - 1
		if lagging {
			at = g.choose("at", len(history))
		}
		seen = append(seen, history[at])
		ids = slices.Delete(ids, i, i+1)
	}
	before := maps.Clone(g.objects)
	holders := map[string]string{}
	for _, o := range seen {
		holders[o.ID] = g.holder(o.ID)
	}
	plan := Plan(*scope, seen, g.lookup)
	g.apply(*scope, plan.Actions)
	for _, o := range seen {
		if name := holders[o.ID]; o.Deleted && name != "" {
			g.apply(*scope, Deletion(scope, &g.objects[name].entry))
		}
	}
	for _, action := range plan.Actions {
		if action.Verb != Create { // whatever somebody forged there is right again
			delete(g.forged, action.Stored.Name)
		}
	}
	for _, o := range seen {
		name := holders[o.ID]
		g.check(scope, o, name, before[name], &plan)
		delete(before, name)
	}
	for name, untouched := range before {
		if g.objects[name] != untouched {
			g.Fatalf("%s was not observed, but became %s", untouched, g.objects[name])
		}
	}
	if again := Plan(*scope, seen, g.lookup); len(again.Actions) > 0 {
		g.Fatalf("planned again: %v", verbs(again.Actions))
	}
	g.sound()
}

// holder returns the name of the object that a task has, "" for none.
func (g *game) holder(id string) string {
	for _, name := range g.names() {
		if trueID := gocmp.Or(g.forged[name], g.objects[name].entry.ID); trueID == id {
			return name
		}
	}
	return ""
}

// check looks at what became of one observed task, whose object was stored under this name, as before.
func (g *game) check(scope *Scope, o *mirror.Observation, name string, before *object, plan *Result) {
	g.Helper()
	var entry mirror.Entry
	if before != nil {
		entry = before.entry
	}
	same := func(what string) {
		if g.objects[name] != before {
			g.Fatalf("%s: %s became %s", what, before, g.objects[name])
		}
	}
	updatedAt := mirror.StampOf(o).UpdatedAt
	finished := v1alpha1.IsFinishedPhase(o.Status.Phase)
	switch {
	case before != nil && entry.OwnerUID != "" && entry.OwnerName != scope.Source && entry.SourceLabel != scope.Source:
		same("another's")
		if slices.Contains(plan.Conflicts, o.ID) != scope.Includes(o.Spec.Type) {
			g.Fatalf("conflict over %q of type %s: told of %v", o.ID, o.Spec.Type, plan.Conflicts)
		}
	case before != nil && entry.Deleting:
		same("being deleted")
	case !o.Deleted && before != nil && updatedAt < entry.UpdatedAt:
		same("newer than what was seen")
	case o.Deleted && before != nil && !CanBeMissing(scope, &entry):
		same("edited, so that nobody knows whose it is")
	case before != nil && entry.ID != o.ID && (!scope.Includes(o.Spec.Type) || finished && updatedAt < scope.Oldest.UpdatedAt):
		same("left to the limits, which need no ID")
	case before != nil && !scope.Includes(o.Spec.Type) && (entry.OwnerUID == "" && entry.SourceLabel == "" || scope.contested(&entry)):
		same("perhaps that of a source of other types")
	case o.Deleted, !scope.Includes(o.Spec.Type):
		g.goneOrGoing(o.ID)
	case finished && (updatedAt < scope.Oldest.UpdatedAt || before == nil && updatedAt < scope.OldestNew.UpdatedAt):
		g.goneOrGoing(o.ID)
		if !slices.Contains(plan.Omitted, o.ID) {
			g.Fatalf("%q is not counted as omitted", o.ID)
		}
	default:
		g.mirrored(scope, o)
	}
}

func (g *game) goneOrGoing(id string) {
	g.Helper()
	if name := g.holder(id); name != "" && !g.objects[name].entry.Deleting {
		g.Fatalf("%q is still there as %s", id, g.objects[name])
	}
}

// mirrored fails unless there is an object that says what was observed.
func (g *game) mirrored(scope *Scope, o *mirror.Observation) {
	g.Helper()
	name := g.holder(o.ID)
	if name == "" {
		g.Fatalf("%q is not mirrored: %v", o.ID, g.names())
	}
	got := g.get(name)
	want := throughJSON(g, scope.desired(o, name))
	for i := range want.Status.Conditions {
		want.Status.Conditions[i].ObservedGeneration = got.Generation
	}
	want.Status.ObservedGeneration = got.Generation
	if label, ok := got.Labels["somebody"]; ok { // what others add stays
		want.Labels["somebody"] = label
	}
	want.UID, want.ResourceVersion, want.Generation = got.UID, got.ResourceVersion, got.Generation
	want.ManagedFields = got.ManagedFields
	if diff := cmp.Diff(want, got); diff != "" {
		g.Fatalf("%s", diff)
	}
}

// sound fails where an ID is there twice, or a name is none.
func (g *game) sound() {
	g.Helper()
	holders := map[string]string{}
	for _, name := range g.names() {
		id := g.objects[name].entry.ID
		if holders[id] != "" {
			g.Fatalf("%q is there as %q and as %q", id, holders[id], name)
		}
		holders[id] = name
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			g.Fatalf("%q: %v", name, problems)
		}
	}
}
