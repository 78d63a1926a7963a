// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"iter"
	"math"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

func seen(id, phase string, updatedAt int64) *mirror.Observation {
	return &mirror.Observation{ID: id, Status: v1alpha1.LivepeerTaskStatus{
		Phase: phase, UpdatedAt: new(metav1.NewMicroTime(time.UnixMilli(updatedAt))),
	}}
}

func each(entries ...mirror.Entry) iter.Seq[*mirror.Entry] {
	return func(yield func(*mirror.Entry) bool) {
		for i := range entries {
			if !yield(&entries[i]) {
				return
			}
		}
	}
}

// TestFinishedStamps: every finished task counts once, as it was seen last.
func TestFinishedStamps(t *testing.T) {
	stored := []mirror.Entry{
		{ID: "a", Phase: "completed", UpdatedAt: 1}, {ID: "b", Phase: "failed", UpdatedAt: 2}, {ID: "c", Phase: "running", UpdatedAt: 3},
		{ID: "d", Phase: "cancelled", UpdatedAt: 4},
	}
	got := finishedStamps(each(stored...), []*mirror.Observation{
		seen("b", "waiting", 10), // tried again
		seen("c", "completed", 11), seen("d", "cancelled", 12), seen("e", "failed", 13), seen("f", "running", 14),
	})
	slices.SortFunc(got, mirror.Stamp.Compare)
	want := []mirror.Stamp{{UpdatedAt: 1, ID: "a"}, {UpdatedAt: 11, ID: "c"}, {UpdatedAt: 12, ID: "d"}, {UpdatedAt: 13, ID: "e"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestScopeOfHistory: which finished tasks are kept, and which are made anew, by what is stored: three finished ones.
func TestScopeOfHistory(t *testing.T) {
	floor := mirror.Stamp{UpdatedAt: 1500, ID: "x"}
	for name, c := range map[string]struct {
		maxTasks       int32
		floor          mirror.Stamp
		oldest, makeIt mirror.Stamp
	}{
		"room":                     {maxTasks: 4},
		"room, but pruned before":  {maxTasks: 4, floor: floor, makeIt: floor},
		"just full":                {maxTasks: 3, makeIt: mirror.Stamp{UpdatedAt: 1000, ID: "a"}},
		"just full, pruned before": {maxTasks: 3, floor: floor, makeIt: floor},
		"too many":                 {2, floor, mirror.Stamp{UpdatedAt: 2000, ID: "b"}, floor},
		"none wanted":              {0, mirror.Stamp{}, mirror.Stamp{UpdatedAt: 3001}, mirror.Stamp{UpdatedAt: math.MaxInt64}},
	} {
		source, index := kubetest.ASource(), taskstore.NewIndex()
		source.Spec.History.MaxTasks = ptr.To(c.maxTasks)
		for i, id := range []string{"a", "b", "c", "d"} {
			index.See((kubetest.ATask(id, "main", 10, kubetest.InPhase("failed"), func(task *v1alpha1.LivepeerTask) {
				if task.Status.UpdatedAt = seen(id, "", int64(i+1)*1000).Status.UpdatedAt; i == 3 {
					task.Status.Phase = "running"
				}
			})))
		}
		of := scopes{source: source, index: index, now: noon, floor: c.floor}
		scope := of.scope(nil)
		if scope.Oldest != c.oldest || scope.OldestNew != c.makeIt {
			t.Errorf("%s: keeps from %+v, makes from %+v", name, scope.Oldest, scope.OldestNew)
		}
		if scope.Namespace != "media" || scope.Source != "main" || scope.SourceUID != "uid-of-main" {
			t.Errorf("%s: %+v", name, scope)
		}
	}
}
