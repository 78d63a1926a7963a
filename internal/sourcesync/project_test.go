// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// move lets tasks be another project's, as for a key of another project of the same user.
func (a *account) move(project string, from, to int) {
	for i := from; i < to; i++ {
		a.studio.Update(uuid(i), func(task livepeertest.Task) { task["projectId"] = project })
		a.deleted.Store(uuid(i), project != livepeertest.ProjectID)
	}
}

// TestTasksOfAnotherProject: what a listing lacks, and what Studio shows by ID as another project's, as where the key is another's, goes once
// somebody has confirmed it, however few it is.
func TestTasksOfAnotherProject(t *testing.T) {
	const another = "5a1e57ed-0000-4000-8000-0000000000bb"
	for name, c := range map[string]struct {
		all, moved int
		project    string // of those that stay
		left       int
		paused     bool
	}{
		"a few":                        {30, 12, livepeertest.ProjectID, 18, true},
		"most of a few":                {17, 12, livepeertest.ProjectID, 5, true},
		"most":                         {45, 40, livepeertest.ProjectID, 5, true},
		"an empty list":                {12, 12, livepeertest.ProjectID, 12, false},
		"no task says its project":     {30, 12, "", 30, false},
		"an empty list, and many gone": {40, 40, livepeertest.ProjectID, 40, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := quietAccount(t, c.all)
			if c.project != "" {
				a.move(c.project, 0, c.all)
			}
			a.sync("at first")
			a.move(another, 0, c.moved)
			a.sync("moved")
			reason, message := a.ready()
			if paused := reason == v1alpha1.ReasonPruningPaused; paused != c.paused {
				t.Fatalf("%s: %s", reason, message)
			}
			if c.paused {
				if len(a.api.Tasks) != c.all {
					t.Fatalf("%d tasks without a confirmation", len(a.api.Tasks))
				}
				if told := strings.Contains(message, "another project"); told != (c.left < c.all) {
					t.Errorf("it says %s", message)
				}
				a.api.Annotate(v1alpha1.AnnotationConfirmPrune, message[strings.LastIndex(message, "=")+1:])
				a.watch(2)
			}
			if reason, message := a.ready(); len(a.api.Tasks) != c.left || reason != v1alpha1.ReasonSynced {
				t.Errorf("%d tasks, want %d; %s: %s", len(a.api.Tasks), c.left, reason, message)
			}
		})
	}
}
