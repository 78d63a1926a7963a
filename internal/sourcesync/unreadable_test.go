// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// uuid is the ID of the n-th task, whose order has nothing to do with n.
func uuid(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(n)*2654435761, n) }

// quietAccount is an account of n tasks in which nothing happens by itself.
func quietAccount(t *testing.T, n int) *account {
	t.Helper()
	a := newAccount(t, 1, livepeertest.Fault{})
	t.Cleanup(a.server.Close)
	a.silence()
	a.page, a.api.Source.Spec.Types, a.api.Source.Spec.Notify = 0, nil, nil
	for i := range n {
		a.put(i)
	}
	return a
}

// put makes the n-th task, or changes it.
func (a *account) put(n int) {
	a.tick(10 * time.Millisecond)
	a.studio.Put(livepeertest.Task{
		"id": uuid(n), "type": "export", "createdAt": a.clock.UnixMilli(),
		"status": map[string]any{"phase": "running", "updatedAt": a.clock.UnixMilli()},
	})
}

func (a *account) ready() (reason, message string) {
	if ready := meta.FindStatusCondition(a.process.source().Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason, ready.Message
	}
	return "", ""
}

// watch gives the source steps for so many of its intervals, and returns the reasons that its condition had, in their order.
func (a *account) watch(intervals int) (reasons []string) {
	until := a.clock.Add(time.Duration(intervals) * a.api.Source.Spec.Interval.Duration)
	for a.clock.Before(until) {
		a.step()
		reason, _ := a.ready()
		reasons = append(reasons, reason)
	}
	return slices.Compact(reasons)
}

func (a *account) mirrors(n int) bool {
	a.api.Mu.Lock()
	defer a.api.Mu.Unlock()
	for _, task := range a.api.Tasks {
		if task.Spec.ID == uuid(n) {
			return true
		}
	}
	return false
}

// TestUnreadableTasksAreOneState: rows that Studio can't read, new ones and old ones, neighbours and mirrored ones among them, are
// told in one condition with the right count, without a moment of another, while all other changes show as soon as ever.
func TestUnreadableTasksAreOneState(t *testing.T) {
	a := quietAccount(t, 60)
	if a.sync("at first"); !slices.Equal(a.watch(2), []string{v1alpha1.ReasonSynced}) {
		t.Fatal("not synced")
	}
	a.put(100)
	a.put(101)
	a.studio.Poison(uuid(100), uuid(101)) // updated now, never mirrored
	if got := a.watch(2); got[len(got)-1] != v1alpha1.ReasonUnreadable || len(got) > 2 {
		t.Fatalf("it says %v", got)
	}
	a.put(102)
	a.studio.Poison(uuid(17)) // updated long ago, and mirrored
	if got := a.watch(3); !slices.Equal(got, []string{v1alpha1.ReasonUnreadable}) || !a.mirrors(102) {
		t.Fatalf("it says %v", got)
	}
	a.api.Annotate(v1alpha1.AnnotationRequestedAt, "all")
	if got := a.watch(3); !slices.Equal(got, []string{v1alpha1.ReasonUnreadable}) || !a.mirrors(17) {
		t.Fatalf("it says %v", got)
	}
	if _, message := a.ready(); !strings.Contains(message, " 3 tasks (") || !strings.Contains(message, uuid(17)) {
		t.Errorf("it says %s", message)
	}

	a.studio.Repair(uuid(101)) // which moves no time
	a.studio.Purge(uuid(100))
	a.watch(1)
	if _, message := a.ready(); !strings.Contains(message, " 1 task ("+uuid(17)+")") || !a.mirrors(101) {
		t.Errorf("after a repair: %s, mirrored %v", message, a.mirrors(101))
	}
	a.studio.Repair(uuid(17))
	a.watch(1)
	if reason, message := a.ready(); reason != v1alpha1.ReasonSynced {
		t.Errorf("after all repairs: %s: %s", reason, message)
	}
	a.equal()
}

// TestAFreshSourceWithUnreadableTasks: it mirrors all others at once.
func TestAFreshSourceWithUnreadableTasks(t *testing.T) {
	a := quietAccount(t, 80)
	a.studio.Poison(uuid(79), uuid(3), uuid(40))
	if got := a.watch(1); slices.Contains(got, v1alpha1.ReasonUnavailable) || slices.Contains(got, v1alpha1.ReasonSynced) {
		t.Errorf("it says %v", got)
	}
	if _, message := a.ready(); len(a.api.Tasks) != 77 || !strings.Contains(message, " 3 tasks (") {
		t.Errorf("%d tasks are mirrored: %s", len(a.api.Tasks), message)
	}
	a.start() // which tasks they were is not on record
	if got := a.watch(2); slices.Contains(got, v1alpha1.ReasonSynced) || got[len(got)-1] != v1alpha1.ReasonUnreadable {
		t.Errorf("after a restart, it says %v", got)
	}
	a.studio.Repair(uuid(79), uuid(3), uuid(40))
	if a.watch(1); len(a.api.Tasks) != 80 {
		t.Errorf("%d tasks are mirrored", len(a.api.Tasks))
	}
}

// TestUnreadableTasksWithOtherIDs: where IDs are no UUIDs, such rows are counted, and looked for by full syncs that follow soon.
func TestUnreadableTasksWithOtherIDs(t *testing.T) {
	a := quietAccount(t, 5)
	a.studio.Put(livepeertest.Task{"id": "some-task", "type": "upload"})
	a.studio.Poison("some-task")
	if got := a.watch(3); got[len(got)-1] != v1alpha1.ReasonUnreadable {
		t.Errorf("it says %v", got)
	}
	a.studio.Repair("some-task")
	a.watch(2)
	if reason, message := a.ready(); reason != v1alpha1.ReasonSynced || len(a.api.Tasks) != 6 {
		t.Errorf("%s: %s; %d tasks are mirrored", reason, message, len(a.api.Tasks))
	}
}

// TestATimeThatIsNoneHurtsTheOrderOnly: a row whose times are null or text makes Studio answer 500 to whatever is ordered by times. All
// tasks are mirrored all the same, that one too, and no condition says otherwise.
func TestATimeThatIsNoneHurtsTheOrderOnly(t *testing.T) {
	for name, odd := range map[string]livepeertest.Task{
		"null update":   {"createdAt": 1, "status": map[string]any{"phase": "running", "updatedAt": nil}},
		"text creation": {"createdAt": "yesterday", "status": map[string]any{"phase": "running", "updatedAt": 5}},
	} {
		a := quietAccount(t, 30)
		odd["id"], odd["type"] = uuid(99), "export"
		a.studio.Put(odd)
		got := a.watch(1)
		a.put(3)
		if got = append(got, a.watch(2)...); slices.Contains(got, v1alpha1.ReasonUnavailable) || got[len(got)-1] != v1alpha1.ReasonSynced {
			t.Errorf("%s: it says %v", name, got)
		}
		if len(a.api.Tasks) != 31 || !a.mirrors(99) {
			t.Errorf("%s: %d tasks are mirrored", name, len(a.api.Tasks))
		}
	}
}
