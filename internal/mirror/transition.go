// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// maxNote is how many bytes of a note the API server takes.
const maxNote = 1024

// Transition is a change of a task that is worth a Kubernetes Event.
type Transition struct {
	Reason  string
	Warning bool
	// Note says what a person needs to know of it, in at most 1024 bytes. It holds nothing that the status does not.
	Note string
}

// TransitionOf compares a new status with the stored one in before: for a new task, that is the zero Entry, or one without a status.
// It returns false if no Event is due: only the progress changed, an edit was undone, or a task is new and does not run, such as one
// that has ended already. It is pure.
func TransitionOf(before *Entry, status *v1alpha1.LivepeerTaskStatus) (Transition, bool) {
	phase := status.Phase
	if before.ObservedGeneration == 0 {
		return Transition{Reason: v1alpha1.ReasonRunning, Note: "The task is running."}, phase == v1alpha1.PhaseRunning
	}
	if condition := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled); showsStalled(status) && !before.Stalled &&
		phase == before.Phase {
		return Transition{Reason: v1alpha1.EventStalled, Warning: true, Note: condition.Message}, true
	}
	// Every change in Studio moves updatedAt. If it did not move, or there was none before, an edit is being undone.
	if status.UpdatedAt != nil && (before.UpdatedAt == 0 || status.UpdatedAt.UnixMilli() == before.UpdatedAt) {
		return Transition{}, false
	}
	again := status.Retries != nil && *status.Retries > int64(before.Retries)
	if phase == before.Phase && !again {
		return Transition{}, false
	}
	return arrival(before, status, again)
}

// arrival returns the Event for a task that has come to this phase; again: it was retried.
func arrival(before *Entry, status *v1alpha1.LivepeerTaskStatus, again bool) (Transition, bool) {
	back := before.Finished() || before.Phase == v1alpha1.PhaseRunning
	switch status.Phase {
	case v1alpha1.PhaseCompleted:
		note := "The task completed."
		if url := (&v1alpha1.LivepeerTask{Status: *status}).PlaybackURL(); url != "" {
			note = redact.Cut("The task completed. Playback: "+url, maxNote)
		}
		return Transition{Reason: v1alpha1.ReasonCompleted, Note: note}, true
	case v1alpha1.PhaseFailed:
		note := "The task failed, and Studio gives no reason."
		if status.ErrorMessage != "" {
			note = redact.Cut("The task failed: "+status.ErrorMessage, maxNote)
		}
		return Transition{Reason: v1alpha1.ReasonFailed, Warning: true, Note: note}, true
	case v1alpha1.PhaseCancelled:
		return Transition{Reason: v1alpha1.ReasonCancelled, Warning: true, Note: "The task was cancelled."}, true
	case v1alpha1.PhasePending, v1alpha1.PhaseWaiting:
		return retrying(status), again || back
	case v1alpha1.PhaseRunning:
		if again || before.Finished() {
			return retrying(status), true
		}
		return Transition{Reason: v1alpha1.ReasonRunning, Note: "The task is running."}, true
	}
	return Transition{}, false
}

func retrying(status *v1alpha1.LivepeerTaskStatus) Transition {
	note := "The task is tried again."
	if status.Retries != nil && *status.Retries > 0 {
		note = fmt.Sprintf("The task is tried again, retry %d.", *status.Retries)
	}
	if status.ErrorMessage != "" {
		note = redact.Cut(note+" The last attempt failed: "+status.ErrorMessage, maxNote)
	}
	return Transition{Reason: v1alpha1.ReasonRetrying, Note: note}
}
