// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func at(ms int64) *metav1.MicroTime { return &metav1.MicroTime{Time: time.UnixMilli(ms)} }

func TestReached(t *testing.T) {
	running := v1alpha1.LivepeerTaskStatus{Phase: "running", CreatedAt: at(500), UpdatedAt: at(1000)}
	for what, c := range map[string]struct {
		before Before
		after  v1alpha1.LivepeerTaskStatus
		want   string // previous and new phase
	}{
		"another phase":               {Before{Phase: "waiting"}, running, "waiting>running"},
		"the same phase":              {Before{Phase: "running"}, running, ""},
		"no phase any more":           {Before{Phase: "running"}, v1alpha1.LivepeerTaskStatus{UpdatedAt: at(1000)}, ""},
		"a phase at last":             {Before{}, running, ">running"},
		"old ones do not count known": {Before{Phase: "waiting", NotifyAfter: 5000}, running, "waiting>running"},
		"new, and changed lately":     {Before{New: true, NotifyAfter: 999}, running, ">running"},
		"new, and finished lately":    {Before{New: true, NotifyAfter: 999}, v1alpha1.LivepeerTaskStatus{Phase: "failed", UpdatedAt: at(1000)}, ">failed"},
		"new here, but old":           {Before{New: true, NotifyAfter: 1000}, running, ""},
		"new, without any time":       {Before{New: true}, v1alpha1.LivepeerTaskStatus{Phase: "pending"}, ""},
		"new, and only created":       {Before{New: true, NotifyAfter: 400}, v1alpha1.LivepeerTaskStatus{Phase: "pending", CreatedAt: at(500)}, ">pending"},
		"edited before it was stored": {Before{New: true, Phase: "x", NotifyAfter: 1}, running, ">running"},
	} {
		got := ""
		if reached, ok := Reached(c.before, &c.after); ok {
			got = reached.PreviousPhase + ">" + reached.Phase
			if !reached.UpdatedAt.Equal(c.after.UpdatedAt) {
				t.Errorf("%s: at %v", what, reached.UpdatedAt)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

// TestOutbox: whatever phases a task goes through, and however sending and failing lie between them, what arrives is in
// order and each once, the list is bounded, and what is missing was counted and is neither the first that waited nor the
// last.
func TestOutbox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var waiting, made, arrived []v1alpha1.Transition
		lost, clock := 0, int64(0)
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "send") == 0 && len(waiting) > 0 {
				n := rapid.IntRange(1, len(waiting)).Draw(t, "sent")
				sent := slices.Clone(waiting[:n])
				arrived = append(arrived, sent...)
				waiting = RemoveTransitions(waiting, sent)
				continue
			}
			clock += int64(rapid.IntRange(0, 2).Draw(t, "ms"))
			next := v1alpha1.Transition{
				Phase: rapid.SampledFrom([]string{"waiting", "running", "failed"}).Draw(t, "phase"), UpdatedAt: at(clock),
			}
			if len(made) > 0 && made[len(made)-1].Phase == next.Phase {
				continue // not a change
			}
			before := slices.Clone(waiting)
			all, dropped := AppendTransition(waiting, next)
			waiting, made, lost = all, append(made, next), lost+dropped
			if len(waiting) > v1alpha1.MaxNotifications {
				t.Fatalf("%d wait", len(waiting))
			}
			if !same(&waiting[len(waiting)-1], &next) || len(before) > 0 && !same(&waiting[0], &before[0]) {
				t.Fatalf("%v and then %v: %v", before, next, waiting)
			}
		}
		arrived = append(arrived, waiting...)
		if len(arrived)+lost != len(made) {
			t.Fatalf("%d made, %d arrived, %d counted as lost", len(made), len(arrived), lost)
		}
		rest := made
		for i := range arrived {
			found := slices.IndexFunc(rest, func(m v1alpha1.Transition) bool { return same(&m, &arrived[i]) })
			if found < 0 {
				t.Fatalf("%v is out of order: %v of %v", arrived[i], arrived, made)
			}
			rest = rest[found+1:]
		}
	})
}

func TestAppendedOnce(t *testing.T) {
	one := v1alpha1.Transition{Phase: "failed", UpdatedAt: at(1), PreviousPhase: "running"}
	again := v1alpha1.Transition{Phase: "failed", UpdatedAt: at(1)}
	if all, lost := AppendTransition([]v1alpha1.Transition{one}, again); len(all) != 1 || lost != 0 {
		t.Errorf("%v, %d lost", all, lost)
	}
}

// FuzzOutbox: a list that somebody edited neither panics nor grows, and what is removed leaves the others alone.
func FuzzOutbox(f *testing.F) {
	f.Add(uint(3), uint(1), int64(5), "running")
	f.Add(uint(40), uint(16), int64(-1), "")
	f.Fuzz(func(t *testing.T, n, sent uint, ms int64, phase string) {
		var waiting []v1alpha1.Transition
		for i := range n % 64 {
			waiting = append(waiting, v1alpha1.Transition{Phase: fmt.Sprint(phase, i%3), UpdatedAt: at(ms + int64(i%5))})
		}
		gone := waiting[:min(int(sent%64), len(waiting))]
		if rest := RemoveTransitions(waiting, gone); len(rest) != len(waiting)-len(gone) {
			t.Fatalf("%d of %d removed: %d left", len(gone), len(waiting), len(rest))
		}
		all, lost := AppendTransition(waiting, v1alpha1.Transition{Phase: phase, UpdatedAt: at(ms)})
		if len(all) > max(v1alpha1.MaxNotifications, len(waiting)) || len(all)+lost < len(waiting) {
			t.Fatalf("%d and one more: %d, %d lost", len(waiting), len(all), lost)
		}
	})
}
