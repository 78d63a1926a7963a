// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

const (
	maxMessage = 1024 // bytes of a condition's message
	maxQuoted  = 64   // bytes of an unknown phase that a message quotes
	maxShort   = 60   // characters of what a column shows
)

// Conditions returns the conditions of a task in the given phase: Ready and Finished, and, as kstatus expects,
// Reconciling or Stalled only while True. They depend on the task alone, not on the clock: the same task always has the
// same conditions. The writer sets ObservedGeneration. The message of Finished is short, for a column.
func Conditions(phase, errorMessage string, created, updated *metav1.MicroTime) []metav1.Condition {
	ready := metav1.Condition{
		Type:               v1alpha1.ConditionReady,
		Status:             metav1.ConditionFalse,
		LastTransitionTime: transitionTime(phase, created, updated),
	}
	second, why := v1alpha1.ConditionReconciling, ""
	switch phase {
	case v1alpha1.PhasePending:
		ready.Reason, ready.Message, why = v1alpha1.ReasonPending, "The task waits to be scheduled.", "Waits to be scheduled."
	case v1alpha1.PhaseWaiting:
		ready.Reason, ready.Message, why = v1alpha1.ReasonWaiting, "The task waits for a worker.", "Waits for a worker."
		if errorMessage != "" {
			ready.Message = redact.Cut("The task waits for another attempt. The last one failed: "+errorMessage, maxMessage)
			why = "Tries again after: " + errorMessage
		}
	case v1alpha1.PhaseRunning:
		ready.Reason, ready.Message = v1alpha1.ReasonRunning, "The task is running."
	case v1alpha1.PhaseCompleted:
		second = ""
		ready.Status = metav1.ConditionTrue
		ready.Reason, ready.Message = v1alpha1.ReasonCompleted, "The task completed."
	case v1alpha1.PhaseFailed:
		second = v1alpha1.ConditionStalled
		ready.Reason, ready.Message, why = v1alpha1.ReasonFailed, redact.Cut(errorMessage, maxMessage), errorMessage
		if errorMessage == "" {
			ready.Message = "The task failed and Studio gives no reason. Look at it in Studio, where it can be retried."
			why = "Studio gives no reason."
		}
	case v1alpha1.PhaseCancelled:
		second = v1alpha1.ConditionStalled
		ready.Reason, ready.Message = v1alpha1.ReasonCancelled, "The task was cancelled. It can be retried in Studio."
	case "":
		ready.Reason, ready.Message = v1alpha1.ReasonUnknown, "Studio does not say which phase the task is in."
	default:
		ready.Reason = v1alpha1.ReasonUnknown
		ready.Message = fmt.Sprintf("The task is in the phase %q, which this version of the operator does not know.",
			redact.Cut(phase, maxQuoted))
		why = "This version of the operator does not know the phase."
	}
	finished := ready
	finished.Type, finished.Status, finished.Message = v1alpha1.ConditionFinished, metav1.ConditionFalse, short(why)
	if v1alpha1.IsFinishedPhase(phase) {
		finished.Status = metav1.ConditionTrue
	}
	if second == "" {
		return []metav1.Condition{ready, finished}
	}
	other := ready
	other.Type, other.Status = second, metav1.ConditionTrue
	return []metav1.Condition{ready, finished, other}
}

// short returns a text on one line, as much of it as fits into a column.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxShort {
		return strings.TrimRight(string(runes[:maxShort-1]), " ") + "…"
	}
	return s
}

// transitionTime returns since when the conditions hold, as far as the task tells: its last update if it has
// ended, else its creation.
func transitionTime(phase string, created, updated *metav1.MicroTime) metav1.Time {
	first, second := created, updated
	if v1alpha1.IsFinishedPhase(phase) {
		first, second = updated, created
	}
	for _, t := range []*metav1.MicroTime{first, second} {
		if t != nil {
			return metav1.NewTime(t.UTC().Truncate(time.Second))
		}
	}
	return metav1.NewTime(time.Unix(0, 0).UTC())
}
