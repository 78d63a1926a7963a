// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

func history(maxTasks int32, maxAge time.Duration) v1alpha1.History {
	h := v1alpha1.History{MaxTasks: &maxTasks}
	if maxAge != 0 {
		h.MaxAge = &metav1.Duration{Duration: maxAge}
	}
	return h
}

func TestOldest(t *testing.T) {
	now := time.UnixMilli(10_000)
	three := []mirror.Stamp{{UpdatedAt: 5000, ID: "b"}, {UpdatedAt: 7000, ID: "c"}, {UpdatedAt: 5000, ID: "a"}}
	for name, c := range map[string]struct {
		history v1alpha1.History
		want    mirror.Stamp
	}{
		"room for all":              {history(3, 0), mirror.Stamp{}},
		"room for two":              {history(2, 0), mirror.Stamp{UpdatedAt: 5000, ID: "b"}},
		"room for one":              {history(1, 0), mirror.Stamp{UpdatedAt: 7000, ID: "c"}},
		"room for none":             {history(0, 0), mirror.Stamp{UpdatedAt: 7001, ID: ""}},
		"not set":                   {v1alpha1.History{}, mirror.Stamp{}},
		"4 s":                       {history(3, 4*time.Second), mirror.Stamp{UpdatedAt: 6000, ID: ""}},
		"4 s, or two":               {history(2, 4*time.Second), mirror.Stamp{UpdatedAt: 6000, ID: ""}},
		"4 s, or one":               {history(1, 4*time.Second), mirror.Stamp{UpdatedAt: 7000, ID: "c"}},
		"longer than there is time": {history(3, 100*365*24*time.Hour), mirror.Stamp{UpdatedAt: 10_000 - (100 * 365 * 24 * time.Hour).Milliseconds()}},
	} {
		if got := Oldest(slices.Clone(three), c.history, now); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got := MaxTasks(v1alpha1.History{}); got != 10_000 {
		t.Errorf("without a limit: %d", got)
	}
}

// TestHistoryAlways: after the limits are carried out, the newest finished tasks are left, no more than are allowed, and
// everything that is not finished.
func TestHistoryAlways(t *testing.T) {
	now := time.UnixMilli(noon)
	rapid.Check(t, func(t *rapid.T) {
		phases := []string{"running", "waiting", "", "frozen", "completed", "failed", "cancelled"}
		var entries []mirror.Entry
		for i := range rapid.IntRange(0, 20).Draw(t, "tasks") {
			entries = append(entries, mirror.Entry{Object: mirror.Object{Name: fmt.Sprint(i)}, Ownership: mirror.Ownership{OwnerUID: testScope.SourceUID}, Shown: mirror.Shown{ID: fmt.Sprintf("id-%d", i), Phase: rapid.SampledFrom(phases).Draw(t, "phase"), UpdatedAt: noon - rapid.Int64Range(0, 10).Draw(t, "age")}})
		}
		maxTasks := rapid.Int32Range(0, 12).Draw(t, "maxTasks")
		limits := history(maxTasks, time.Duration(rapid.IntRange(0, 12).Draw(t, "maxAge"))*time.Millisecond)
		left := prune(entries, limits, now)

		var finished []mirror.Stamp
		for _, entry := range entries {
			kept := slices.Contains(left, entry)
			switch {
			case !entry.Finished() && !kept:
				t.Fatalf("unfinished and deleted: %+v", entry)
			case entry.Finished() && (limits.MaxAge == nil || noon-entry.UpdatedAt <= limits.MaxAge.Milliseconds()):
				finished = append(finished, entry.Stamp())
			case entry.Finished() && kept:
				t.Fatalf("too old: %+v", entry)
			}
		}
		slices.SortFunc(finished, func(a, b mirror.Stamp) int { return b.Compare(a) })
		want := finished[:min(int(maxTasks), len(finished))]
		var got []mirror.Stamp
		for _, entry := range left {
			if entry.Finished() {
				got = append(got, entry.Stamp())
			}
		}
		slices.SortFunc(got, func(a, b mirror.Stamp) int { return b.Compare(a) })
		if !slices.Equal(got, want) {
			t.Fatalf("left are %v, want %v", got, want)
		}
		if again := prune(left, limits, now); len(again) != len(left) {
			t.Fatalf("pruned again: %v became %v", left, again)
		}
	})
}

func each(entries []mirror.Entry) iter.Seq[*mirror.Entry] {
	return func(yield func(*mirror.Entry) bool) {
		for i := range entries {
			if !yield(&entries[i]) {
				return
			}
		}
	}
}

// prune returns the entries that the limits leave.
func prune(entries []mirror.Entry, limits v1alpha1.History, now time.Time) []mirror.Entry {
	var finished []mirror.Stamp
	for i := range entries {
		if entries[i].Finished() {
			finished = append(finished, entries[i].Stamp())
		}
	}
	scope := testScope
	scope.Oldest = Oldest(finished, limits, now)
	left := slices.Clone(entries)
	for _, action := range Limits(scope, each(entries)) {
		left = slices.DeleteFunc(left, func(entry mirror.Entry) bool { return entry == action.Stored })
	}
	return left
}

func TestLimits(t *testing.T) {
	scope := testScope
	scope.Types, scope.Oldest = []string{"upload"}, mirror.Stamp{UpdatedAt: noon, ID: "m"}
	ours := mirror.Entry{Ownership: mirror.Ownership{OwnerUID: testScope.SourceUID, OwnerName: "main"}, Shown: mirror.Shown{Type: "upload", Phase: "completed", UpdatedAt: noon, ID: "a"}}
	for name, c := range map[string]struct {
		change func(*mirror.Entry)
		want   []string
	}{
		"old":               {func(*mirror.Entry) {}, []string{"DeleteHistory old"}},
		"as old as allowed": {func(e *mirror.Entry) { e.ID = "m" }, nil},
		"unfinished":        {func(e *mirror.Entry) { e.Phase, e.UpdatedAt = "running", 1 }, nil},
		"age unknown":       {func(e *mirror.Entry) { e.UpdatedAt = 0 }, nil},
		"other type":        {func(e *mirror.Entry) { e.Type, e.Phase = "clip", "running" }, []string{"DeleteType other type"}},
		"no type":           {func(e *mirror.Entry) { e.Type, e.Phase = "", "running" }, []string{"DeleteType no type"}},
		"being deleted":     {func(e *mirror.Entry) { e.Deleting = true }, nil},
		"another source's":  {func(e *mirror.Entry) { e.OwnerUID, e.OwnerName = "x", "x" }, nil},
		"the label edited":  {func(e *mirror.Entry) { e.SourceLabel = "x" }, []string{"DeleteHistory the label edited"}},
		"other type, and the label edited": {
			func(e *mirror.Entry) { e.SourceLabel, e.Type, e.Phase = "x", "clip", "running" }, nil,
		},
		"nobody's": {func(e *mirror.Entry) { e.OwnerUID, e.OwnerName = "", "" }, nil},
	} {
		entry := ours
		entry.Name = name
		c.change(&entry)
		if diff := cmp.Diff(c.want, verbs(Limits(scope, each([]mirror.Entry{entry})))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
