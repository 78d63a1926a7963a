// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// limits changes types and history of the source and carries the limits out.
func (g *game) limits() {
	g.scope.Types = one(g, "types", nil, nil, []string{"upload", "very new!"})
	g.scope.Oldest, g.scope.OldestNew = mirror.Stamp{}, mirror.Stamp{}
	if g.choose("history", 2) > 0 {
		g.scope.Oldest.UpdatedAt = g.clock + 1 - int64(g.choose("kept", 10))
		g.scope.OldestNew.UpdatedAt = g.clock + 1 - int64(g.choose("made", 10))
	}
	g.scope.StalledBefore = g.clock + 1 - int64(g.choose("stalled", 10))
	before := g.names()
	g.apply(g.scope, Limits(g.scope, each(g.entries(g.scope.SourceUID))))
	for _, entry := range g.entries(g.scope.SourceUID) {
		tooOld := entry.Finished() && entry.UpdatedAt > 0 && entry.UpdatedAt < g.scope.Oldest.UpdatedAt
		if !entry.Deleting && (tooOld || !g.scope.Includes(entry.Type)) {
			g.Fatalf("beyond the limits: %s", g.objects[entry.Name])
		}
	}
	if again := Limits(g.scope, each(g.entries(g.scope.SourceUID))); len(again) > 0 {
		g.Fatalf("planned again: %v", verbs(again))
	}
	for _, name := range before {
		if g.objects[name] == nil {
			delete(g.forged, name)
		}
	}
}

// edit lets somebody change one of the source's objects.
func (g *game) edit() {
	entry, ok := g.pick()
	if !ok {
		return
	}
	status := func(task *v1alpha1.LivepeerTask) {
		task.Status.UpdatedAt = new(metav1.NewMicroTime(time.UnixMilli(g.clock + 1_000_000)))
		task.ManagedFields = []metav1.ManagedFieldsEntry{{
			Manager: "kubectl", FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:updatedAt":{}}}`),
		}}
	}
	edits := map[string]func(*v1alpha1.LivepeerTask){
		"spec":      func(task *v1alpha1.LivepeerTask) { task.Spec.ProjectID += "x" },
		"no labels": func(task *v1alpha1.LivepeerTask) { task.Labels = nil },
		"own label": func(task *v1alpha1.LivepeerTask) { metav1.SetMetaDataLabel(&task.ObjectMeta, "somebody", "here") },
		"phase":     func(task *v1alpha1.LivepeerTask) { task.Status.Phase = "gone" },
		"updatedAt": status,
		// An object with an ID and an owner that are both wrong is nobody's.
		"no owner": func(task *v1alpha1.LivepeerTask) {
			if g.forged[task.Name] == "" {
				task.OwnerReferences = nil
			}
		},
		"earlier owner": func(task *v1alpha1.LivepeerTask) {
			if g.forged[task.Name] == "" {
				task.OwnerReferences[0].UID = "uid-of-an-earlier-main"
			}
		},
		// Where two IDs meet, nobody can tell any more whose object it was.
		"id": func(task *v1alpha1.LivepeerTask) {
			if g.forged[task.Name] == "" && loner(task.Spec.ID) {
				g.forged[task.Name] = task.Spec.ID
				task.Spec.ID = fmt.Sprintf("forged-%d", g.version)
			}
		},
	}
	change := edits[one(g, "edit", slices.Sorted(maps.Keys(edits))...)]
	if err := g.change(entry.Name, entry.ResourceVersion, change); err != nil {
		g.Fatalf("%v", err)
	}
}

// loner reports whether no other ID can have one of this ID's names.
func loner(id string) bool {
	return !slices.ContainsFunc(universe, func(other string) bool {
		return other != id && slices.ContainsFunc(mirror.Names(other), func(name string) bool { return slices.Contains(mirror.Names(id), name) })
	})
}

// remove lets somebody delete one of the source's objects; some deletions take their time.
func (g *game) remove() {
	entry, ok := g.pick()
	if !ok {
		return
	}
	err := g.change(entry.Name, entry.ResourceVersion, func(task *v1alpha1.LivepeerTask) {
		task.Finalizers = nil
		if !entry.Deleting && g.choose("finalizer", 2) > 0 {
			task.Finalizers = []string{"example.org/slow"}
		}
	})
	if err != nil {
		g.Fatalf("%v", err)
	}
	entry, _ = g.lookup(entry.Name)
	if err := g.delete(&entry); err != nil {
		g.Fatalf("%v", err)
	}
	if g.objects[entry.Name] == nil {
		delete(g.forged, entry.Name)
	}
}

// pick draws one of the source's objects.
func (g *game) pick() (mirror.Entry, bool) {
	entries := g.entries(g.scope.SourceUID)
	if len(entries) == 0 {
		return mirror.Entry{}, false
	}
	return entries[g.choose("object", len(entries))], true
}
