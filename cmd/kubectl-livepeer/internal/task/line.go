// SPDX-License-Identifier: Apache-2.0

package task

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Line says on one line where a task is: its name, type, phase, progress and message. What is not known is a dash, so that columns can be
// counted.
func Line(t *v1alpha1.LivepeerTask, name string) string {
	progress := "-"
	if t.Status.Progress != nil {
		progress = fmt.Sprintf("%d%%", *t.Status.Progress)
	}
	return strings.TrimSpace(strings.Join([]string{name, Word(t.Spec.Type), Word(Phase(t)), progress, Message(t)}, " "))
}

// Word is a text as one column of a line: a dash where there is none, and between words.
func Word(text string) string { return cmp.Or(strings.Join(strings.Fields(text), "-"), "-") }

// Summary counts tasks by phase: those under way first, then those that ended.
func Summary(tasks []v1alpha1.LivepeerTask) string {
	known := []string{
		v1alpha1.PhaseRunning, v1alpha1.PhaseWaiting, v1alpha1.PhasePending,
		v1alpha1.PhaseFailed, v1alpha1.PhaseCompleted, v1alpha1.PhaseCancelled,
	}
	counts, others := map[string]int{}, len(tasks)
	for i := range tasks {
		counts[tasks[i].Status.Phase]++
	}
	var parts []string
	for _, phase := range known {
		if n := counts[phase]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, phase))
			others -= n
		}
	}
	if others > 0 {
		parts = append(parts, fmt.Sprintf("%d in other phases", others))
	}
	return cmp.Or(strings.Join(parts, ", "), "no tasks")
}

// Slim leaves out what is most of a task and not needed to follow it, save the name that it is known by.
func Slim(t *v1alpha1.LivepeerTask) {
	t.Status.DisplayName = Name(t)
	t.Spec.Params, t.Status.Output = nil, nil
}
