// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// TestResume: after a restart, what the source's status and the stored tasks say is enough to go on.
func TestResume(t *testing.T) {
	minute := func(n int) *metav1.Time { return &metav1.Time{Time: noon.Add(time.Duration(n) * time.Minute)} }
	status := v1alpha1.LivepeerTaskSourceStatus{
		ObservedGeneration: 1, SyncedGeneration: 1, LastFullSyncTime: minute(-4), LastPollTime: minute(-1), LastHandledReconcileAt: "asked",
		Tasks: v1alpha1.TaskCounts{Total: 3, Omitted: 7},
	}
	ms := func(minutes int) int64 { return minute(minutes).UnixMilli() }
	entries := []mirror.Entry{
		{Shown: mirror.Shown{ID: "a", Phase: "running", UpdatedAt: ms(-90)}},
		{Shown: mirror.Shown{ID: "b", Phase: "failed", UpdatedAt: ms(-20)}},
		{Shown: mirror.Shown{ID: "c", Phase: "completed", UpdatedAt: ms(-30)}},
	}
	for name, c := range map[string]struct {
		change    func(*v1alpha1.LivepeerTaskSourceStatus)
		entries   []mirror.Entry
		wantFull  int // minutes from now
		watermark int64
		cutoff    mirror.Stamp
	}{
		"all known": {nil, entries, 6, ms(-20), mirror.Stamp{UpdatedAt: ms(-30), ID: "c"}},
		"nothing was left out": {
			func(s *v1alpha1.LivepeerTaskSourceStatus) { s.Tasks.Omitted = 0 }, entries, 6, ms(-20), mirror.Stamp{},
		},
		// An update may have been on its way when the last poll was made, and clocks differ.
		"tasks newer than the last poll": {
			nil, []mirror.Entry{{Shown: mirror.Shown{ID: "a", Phase: "running", UpdatedAt: ms(5)}}}, 6, ms(-3), mirror.Stamp{},
		},
		// Studio's is the only clock that its times can be compared with.
		"a time that is ahead of all, and a clock that is ahead of Studio's": {
			nil, []mirror.Entry{
				{Shown: mirror.Shown{ID: "a", Phase: "running", UpdatedAt: ms(-12)}}, {Shown: mirror.Shown{ID: "b", Phase: "running", UpdatedAt: ms(1_000_000)}},
			}, 6, ms(-12), mirror.Stamp{},
		},
		"listed in the future, as where the clock was set back": {
			func(s *v1alpha1.LivepeerTaskSourceStatus) { s.LastFullSyncTime = minute(90) }, entries, 10, ms(-20), mirror.Stamp{UpdatedAt: ms(-30), ID: "c"},
		},
		"never polled": {func(s *v1alpha1.LivepeerTaskSourceStatus) { s.LastPollTime = nil }, entries, 6, 0, mirror.Stamp{UpdatedAt: ms(-30), ID: "c"}},
		"no tasks at all": {
			func(s *v1alpha1.LivepeerTaskSourceStatus) { s.Tasks = v1alpha1.TaskCounts{} }, nil, 6, 0, mirror.Stamp{},
		},
		"never synced": {func(s *v1alpha1.LivepeerTaskSourceStatus) { s.LastFullSyncTime = nil }, entries, 0, 0, mirror.Stamp{}},
		// The last process knew of the spec, and its full sync was cut off.
		"spec changed":     {func(s *v1alpha1.LivepeerTaskSourceStatus) { s.SyncedGeneration = 0 }, entries, 0, 0, mirror.Stamp{}},
		"tasks are gone":   {nil, nil, 0, 0, mirror.Stamp{}},
		"nothing is known": {func(s *v1alpha1.LivepeerTaskSourceStatus) { *s = v1alpha1.LivepeerTaskSourceStatus{} }, nil, 0, 0, mirror.Stamp{}},
	} {
		source := kubetest.ASource()
		source.Status = *status.DeepCopy()
		if c.change != nil {
			c.change(&source.Status)
		}
		p := &State{}
		p.Resume(source, each(c.entries...), noon)
		known := c.wantFull != 0
		if !p.Schedule.NextFull.Equal(minute(c.wantFull).Time) || p.Coverage.Synced != known || (p.Coverage.Handled == "asked") != (known && source.Status.LastHandledReconcileAt != "") {
			t.Errorf("%s: lists at %v, synced %v, handled %q", name, p.Schedule.NextFull, p.Coverage.Synced, p.Coverage.Handled)
		}
		if p.Watermark.newest != c.watermark || p.Watermark.settled || p.Retention.Cutoff != c.cutoff {
			t.Errorf("%s: watermark %+v, cutoff %+v", name, p.Watermark, p.Retention.Cutoff)
		}
		if known && (p.Retention.Omitted != source.Status.Tasks.Omitted || !p.Coverage.FullAt.Equal(source.Status.LastFullSyncTime.Time)) {
			t.Errorf("%s: %d omitted, listed at %v", name, p.Retention.Omitted, p.Coverage.FullAt)
		}
	}
}
