// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

var resumedAt = time.UnixMilli(1587667200000).UTC()

// TestIndexShows: the first poll after a restart passes over what was mirrored as of the update that it reads, and over
// nothing else.
func TestIndexShows(t *testing.T) {
	at := metav1.NewMicroTime(resumedAt)
	updated := func(task *v1alpha1.LivepeerTask) { task.Status.UpdatedAt = &at }
	source := SourceID{Namespace: "media", UID: types.UID("uid-of-main")}
	for name, c := range map[string]struct {
		change func(*v1alpha1.LivepeerTask)
		before int64 // when a task was last updated to be stalled
		want   bool
	}{
		"as it was":             {func(*v1alpha1.LivepeerTask) {}, 0, true},
		"updated since":         {func(task *v1alpha1.LivepeerTask) { task.Status.UpdatedAt.Time = resumedAt.Add(-1e6) }, 0, false},
		"updated never":         {func(task *v1alpha1.LivepeerTask) { task.Status.UpdatedAt = nil }, 0, false},
		"another task":          {func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "A" }, 0, false},
		"of another source":     {func(task *v1alpha1.LivepeerTask) { task.OwnerReferences[0].UID = "another" }, 0, false},
		"spec edited":           {func(task *v1alpha1.LivepeerTask) { task.Generation = 2 }, 0, false},
		"being deleted":         {func(task *v1alpha1.LivepeerTask) { task.DeletionTimestamp = &metav1.Time{Time: resumedAt} }, 0, false},
		"stalls":                {func(*v1alpha1.LivepeerTask) {}, resumedAt.UnixMilli() + 1, false},
		"stored without status": {statusless, 0, false},
	} {
		x := NewIndex()
		task := kubetest.ATask("a", "main", 10, updated)
		task.Status.UpdatedAt = at.DeepCopy()
		c.change(task)
		x.SeeStored(stored(task))
		if got := x.Shows(source, "a", "a", resumedAt.UnixMilli(), c.before); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if x.Shows(source, "a", "a", 0, c.before) || x.Shows(source, "b", "a", resumedAt.UnixMilli(), c.before) {
			t.Errorf("%s: what is not known is shown", name)
		}
	}
}
