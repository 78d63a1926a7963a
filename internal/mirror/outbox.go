// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Before is the state of a task before it is written.
type Before struct {
	// New: no status of it was stored yet.
	New   bool
	Phase string
	// NotifyAfter is the time in Studio, in milliseconds since 1970, after which a new task must have changed for a notification.
	NotifyAfter int64
}

// Reached returns the phase that a task reaches with a status that is about to be stored; false if it reaches none. A new
// task is notified of only if it changed lately: other tasks that are mirrored for the first time have been in their phase for long.
func Reached(before Before, after *v1alpha1.LivepeerTaskStatus) (v1alpha1.Transition, bool) {
	switch {
	case after.Phase == "", !before.New && after.Phase == before.Phase:
		return v1alpha1.Transition{}, false
	case before.New && changedAt(after) <= before.NotifyAfter:
		return v1alpha1.Transition{}, false
	}
	transition := v1alpha1.Transition{Phase: after.Phase, UpdatedAt: after.UpdatedAt.DeepCopy()}
	if !before.New {
		transition.PreviousPhase = before.Phase
	}
	return transition, true
}

// changedAt returns when the task last changed in Studio, in milliseconds since 1970; 0 if Studio does not say.
func changedAt(status *v1alpha1.LivepeerTaskStatus) int64 {
	latest := int64(0)
	for _, t := range []*metav1.MicroTime{status.CreatedAt, status.UpdatedAt} {
		if t != nil {
			latest = max(latest, t.UnixMilli())
		}
	}
	return latest
}

// AppendTransition returns the outbox with a transition added, and how many had to be dropped to make room: the oldest ones after the
// first. A transition that equals the last one is not added again. waiting itself does not change.
func AppendTransition(waiting []v1alpha1.Transition, next v1alpha1.Transition) (all []v1alpha1.Transition, dropped int) {
	if n := len(waiting); n > 0 && same(&waiting[n-1], &next) {
		return waiting, 0
	}
	dropped = max(0, len(waiting)+1-v1alpha1.MaxNotifications)
	if dropped == 0 {
		return append(slices.Clone(waiting), next), 0
	}
	all = append(slices.Clone(waiting[:1]), waiting[1+dropped:]...)
	return append(all, next), dropped
}

// RemoveTransitions returns the outbox without the transitions that were sent. waiting itself does not change.
func RemoveTransitions(waiting, sent []v1alpha1.Transition) []v1alpha1.Transition {
	var rest []v1alpha1.Transition
	sent = slices.Clone(sent)
	for i := range waiting {
		at := slices.IndexFunc(sent, func(s v1alpha1.Transition) bool { return same(&s, &waiting[i]) })
		if at < 0 {
			rest = append(rest, waiting[i])
			continue
		}
		sent = slices.Delete(sent, at, at+1)
	}
	return rest
}

// same reports whether two transitions make the same event.
func same(a, b *v1alpha1.Transition) bool {
	return a.Phase == b.Phase && a.UpdatedAt.Equal(b.UpdatedAt)
}
