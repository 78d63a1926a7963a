// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

func seen(id, phase string, updatedAt int64) *mirror.Observation {
	return &mirror.Observation{ID: id, Status: v1alpha1.LivepeerTaskStatus{
		Phase: phase, UpdatedAt: new(metav1.NewMicroTime(time.UnixMilli(updatedAt))),
	}}
}

// TestFinishedStamps: every finished task counts once, as it was seen last.
func TestFinishedStamps(t *testing.T) {
	stored := []mirror.Entry{
		{Shown: mirror.Shown{ID: "a", Phase: "completed", UpdatedAt: 1}}, {Shown: mirror.Shown{ID: "b", Phase: "failed", UpdatedAt: 2}}, {Shown: mirror.Shown{ID: "c", Phase: "running", UpdatedAt: 3}},
		{Shown: mirror.Shown{ID: "d", Phase: "cancelled", UpdatedAt: 4}},
	}
	got := finishedStamps(each(stored), []*mirror.Observation{
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
	cutoff := mirror.Stamp{UpdatedAt: 1500, ID: "x"}
	for name, c := range map[string]struct {
		maxTasks       int32
		cutoff         mirror.Stamp
		oldest, makeIt mirror.Stamp
	}{
		"room":                     {maxTasks: 4},
		"room, but pruned before":  {maxTasks: 4, cutoff: cutoff, makeIt: cutoff},
		"just full":                {maxTasks: 3, makeIt: mirror.Stamp{UpdatedAt: 1000, ID: "a"}},
		"just full, pruned before": {maxTasks: 3, cutoff: cutoff, makeIt: cutoff},
		"too many":                 {2, cutoff, mirror.Stamp{UpdatedAt: 2000, ID: "b"}, cutoff},
		"none wanted":              {0, mirror.Stamp{}, mirror.Stamp{UpdatedAt: 3001}, mirror.Stamp{UpdatedAt: math.MaxInt64}},
	} {
		source := kubetest.ASource()
		source.Spec.History.MaxTasks = new(c.maxTasks)
		entries := each([]mirror.Entry{
			{Shown: mirror.Shown{ID: "a", Phase: "failed", UpdatedAt: 1000}}, {Shown: mirror.Shown{ID: "b", Phase: "failed", UpdatedAt: 2000}},
			{Shown: mirror.Shown{ID: "c", Phase: "failed", UpdatedAt: 3000}}, {Shown: mirror.Shown{ID: "d", Phase: "running", UpdatedAt: 4000}},
		})
		of := Bounds{Source: source, Stored: Stored{Finished: 3, Entries: entries}, Now: time.UnixMilli(noon), Cutoff: c.cutoff}
		scope := of.Scope(nil)
		if scope.Oldest != c.oldest || scope.OldestNew != c.makeIt {
			t.Errorf("%s: keeps from %+v, makes from %+v", name, scope.Oldest, scope.OldestNew)
		}
		if scope.Namespace != "media" || scope.Source != "main" || scope.SourceUID != "uid-of-main" {
			t.Errorf("%s: %+v", name, scope)
		}
	}
}

func TestOldestFinished(t *testing.T) {
	stamp := OldestFinished(each([]mirror.Entry{
		{Shown: mirror.Shown{ID: "a", Phase: "running", UpdatedAt: 1}}, {Shown: mirror.Shown{ID: "d", Phase: "failed", UpdatedAt: 5}},
		{Shown: mirror.Shown{ID: "c", Phase: "completed", UpdatedAt: 5}}, {Shown: mirror.Shown{ID: "b", Phase: "cancelled", UpdatedAt: 9}},
	}))
	if want := (mirror.Stamp{UpdatedAt: 5, ID: "c"}); stamp != want {
		t.Errorf("%+v", stamp)
	}
	if got := OldestFinished(each([]mirror.Entry{{Shown: mirror.Shown{ID: "a", Phase: "waiting", UpdatedAt: 1}}})); got != (mirror.Stamp{}) {
		t.Errorf("without a finished one: %+v", got)
	}
}

// TestSince: a full sync lists from the oldest that history keeps or makes anew, never from behind the newest update, and everything where
// too many older tasks are mirrored to ask for each by ID.
func TestSince(t *testing.T) {
	tasks := func(n int, updatedAt int64) []mirror.Entry {
		return slices.Repeat([]mirror.Entry{{Shown: mirror.Shown{UpdatedAt: updatedAt}}}, n)
	}
	at := func(updatedAt int64) mirror.Stamp { return mirror.Stamp{UpdatedAt: updatedAt} }
	for name, c := range map[string]struct {
		scope  Scope
		newest int64
		stored []mirror.Entry
		want   int64
	}{
		"no limit":                  {newest: 90, stored: tasks(600, 10)},
		"the oldest that is kept":   {scope: Scope{Oldest: at(50)}, newest: 90, want: 50},
		"the oldest made anew":      {scope: Scope{Oldest: at(50), OldestNew: at(60)}, newest: 90, want: 60},
		"none is made anew":         {scope: Scope{OldestNew: at(math.MaxInt64)}, newest: 90, want: 90},
		"as many older as may be":   {scope: Scope{Oldest: at(50)}, newest: 90, stored: tasks(maxOlder, 49), want: 50},
		"too many older":            {scope: Scope{Oldest: at(50)}, newest: 90, stored: tasks(maxOlder+1, 49)},
		"many, but none older":      {scope: Scope{Oldest: at(50)}, newest: 90, stored: tasks(maxOlder+1, 50), want: 50},
		"before 1970, as if absurd": {scope: Scope{Oldest: at(50)}, newest: -5, want: 0},
	} {
		if got := c.scope.Since(c.newest, each(c.stored)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestScopeOfASource: what the spec says is in the scope, and what is known of it by whoever asks.
func TestScopeOfASource(t *testing.T) {
	source := kubetest.ASource()
	of := Bounds{Source: source, Stored: Stored{Entries: each(nil)}, Now: time.UnixMilli(noon), NotifyAfter: 7}
	if scope := of.Unlimited(); scope.Notify || scope.StalledBefore != 0 || len(scope.Types) != 0 || scope.NotifyAfter != 7 {
		t.Errorf("without a sink: %+v", scope)
	}
	source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: "https://sink.example"}}
	source.Spec.StallAfter, source.Spec.Types = &metav1.Duration{Duration: time.Second}, []string{"clip"}
	scope := of.Scope(nil)
	if !scope.Notify || scope.NotifyAfter != 7 || scope.StalledBefore != noon-1000 || !slices.Equal(scope.Types, []string{"clip"}) {
		t.Errorf("with a sink: %+v", scope)
	}
}
