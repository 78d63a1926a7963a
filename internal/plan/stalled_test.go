// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

func TestStalledBefore(t *testing.T) {
	now := time.UnixMilli(noon)
	for after, want := range map[time.Duration]int64{0: 0, time.Minute: noon - 60_000, 100 * 365 * 24 * time.Hour: 0} {
		if got := StalledBefore(&metav1.Duration{Duration: after}, now); got != want {
			t.Errorf("after %s: %d", after, got)
		}
	}
	if got := StalledBefore(nil, now); got != 0 {
		t.Errorf("unset: %d", got)
	}
}

// TestStalling: a task becomes stalled with one write, says so once, and stays so without another write; the observation is
// left as it was, since the same answer of Studio makes another status in another scope.
func TestStalling(t *testing.T) {
	for phase, stalls := range map[string]bool{
		"pending": false, "waiting": true, "running": true, "completed": false, "failed": false, "cancelled": false, "frozen": false, "": false,
	} {
		observation := observed("A", "upload", phase, noon)
		observation.Status.Conditions = mirror.Conditions(phase, "", nil, observation.Status.UpdatedAt)
		s := stored(t, observation)
		before := s.objects["a"].entry
		scope := testScope
		scope.StalledBefore = noon
		if plan := Plan(scope, []*mirror.Observation{observation}, s.lookup); len(plan.Actions) > 0 {
			t.Errorf("%s: at the limit: %v", phase, verbs(plan.Actions))
		}
		scope.StalledBefore = noon + 1
		plan := Plan(scope, []*mirror.Observation{observation}, s.lookup)
		s.apply(scope, plan.Actions)
		if got := len(plan.Actions) == 1 && plan.Actions[0].Verb == UpdateStatus; got != stalls || s.objects["a"].entry.Stalled != stalls {
			t.Errorf("%s: %v, %s", phase, verbs(plan.Actions), s.objects["a"])
		}
		if again := Plan(scope, []*mirror.Observation{observation}, s.lookup); len(again.Actions) > 0 {
			t.Errorf("%s: planned again: %v", phase, verbs(again.Actions))
		}
		status := &s.get("a").Status
		transition, ok := mirror.TransitionOf(&before, status)
		if ok != stalls || stalls && (transition.Reason != "Stalled" || !transition.Warning || !strings.Contains(transition.Note, "2020-04-23T18:39:34Z")) {
			t.Errorf("%s: %v %+v", phase, ok, transition)
		}
		after := s.objects["a"].entry
		if transition, ok := mirror.TransitionOf(&after, status); ok {
			t.Errorf("%s: told again: %+v", phase, transition)
		}
		finished := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionFinished)
		if stalls && (finished.Status != metav1.ConditionFalse || finished.Message != "No update since 2020-04-23T18:39:34Z.") {
			t.Errorf("%s: %+v", phase, finished)
		}
		if reconciling := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReconciling); stalls && reconciling != nil {
			t.Errorf("%s: %+v", phase, reconciling)
		}
		if plan := Plan(testScope, []*mirror.Observation{observation}, s.lookup); len(plan.Actions) > 0 != stalls {
			t.Errorf("%s: taken away: %v", phase, verbs(plan.Actions))
		}
	}
}

// TestNoTimeNoStall: a task of which Studio does not say when it was updated is never shown as stalled. What the other conditions say of
// one that is stays.
func TestNoTimeNoStall(t *testing.T) {
	observation := observed("A", "upload", "running", noon)
	observation.Status.Conditions = mirror.Conditions("running", "", nil, observation.Status.UpdatedAt)
	scope := testScope
	scope.StalledBefore = noon + 1
	ready := meta.FindStatusCondition(observation.Status.Conditions, v1alpha1.ConditionReady)
	status := scope.desired(observation, "a").Status
	if got := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); got == nil || *got != *ready {
		t.Errorf("%+v, want %+v", got, ready)
	}
	if got := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled); got == nil || !got.LastTransitionTime.Equal(new(metav1.Unix(noon/1000, 0))) {
		t.Errorf("%+v", got)
	}
	observation.Status.UpdatedAt = nil
	if got := scope.desired(observation, "a").Status.Conditions; !cmp.Equal(got, observation.Status.Conditions) {
		t.Errorf("%+v", got)
	}
}
