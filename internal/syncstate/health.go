// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

// Health is what is wrong with a source, beyond the failures of single steps.
type Health struct {
	Rejected   Rejected
	Unreadable Unreadable
	// unusable counts the elements of Studio's list that have no usable ID.
	unusable int
	// Paused is a deletion that waits for confirmation; nil if none does.
	Paused *Paused
	// Unstalled are tasks that seem stalled, and for which the API gave no usable answer since the last full sync.
	Unstalled map[string]struct{}
}

// needsListing reports whether only a listing of every task can tell whether problems are over: rejected or unreadable tasks, or paused
// pruning.
func (h *Health) needsListing() bool {
	return len(h.Rejected) > 0 || h.Paused != nil || h.Unreadable.Count() > 0
}

// Met takes in how many elements without a usable ID a listing met. Only a listing of every task (whole) can lower the number.
func (h *Health) Met(unusable int, whole bool) {
	if whole || unusable > h.unusable {
		h.unusable = unusable
	}
}

// problem returns the most urgent problem; nil if there is none.
func (h *Health) problem(source *v1alpha1.LivepeerTaskSource) *condition.Error {
	if h.Paused != nil {
		return h.Paused.problem(source)
	}
	if rejected := h.Rejected.problem(); rejected != nil {
		return rejected
	}
	return h.Unreadable.problem()
}

// Judge decides what the Ready condition says: first the failure of a step, then a problem of Health, then the progress of the
// first sync. failure is nil if the step did not fail; mirrored counts the stored tasks.
func (s *State) Judge(source *v1alpha1.LivepeerTaskSource, mirrored int, failure *Outcome) Outcome {
	if failure != nil {
		return *failure
	}
	if problem := s.Health.problem(source); problem != nil {
		return Outcome{Reason: problem.Reason, Message: problem.Message, Stalled: problem.Stalled}
	}
	if !s.Coverage.Synced {
		return Outcome{
			Reason:  v1alpha1.ReasonSyncing,
			Message: fmt.Sprintf("Listing all tasks of %s: %d mirrored so far", source.Spec.URL, mirrored),
		}
	}
	return Outcome{Reason: v1alpha1.ReasonSynced, Message: "Mirroring the tasks of " + source.Spec.URL +
		leftOut(s.Health.unusable) + notKnown(source.Spec.Types)}
}

// notKnown names the types of a source that the operator does not know. Studio may have new ones; most are misspelled, and match nothing.
func notKnown(types []string) string {
	known := []string{
		v1alpha1.TypeClip, v1alpha1.TypeExport, v1alpha1.TypeExportData, v1alpha1.TypeImport, v1alpha1.TypeTranscode,
		v1alpha1.TypeTranscodeFile, v1alpha1.TypeUpload,
	}
	var odd []string
	for _, name := range types {
		if !slices.Contains(known, name) {
			odd = append(odd, strconv.Quote(name))
		}
	}
	if len(odd) == 0 {
		return ""
	}
	return fmt.Sprintf("; spec.types has %s, and the types that this operator knows are %s",
		strings.Join(odd, ", "), strings.Join(known, ", "))
}

// leftOut says how many elements have no usable ID: the operator can only report them.
func leftOut(elements int) string {
	switch elements {
	case 0:
		return ""
	case 1:
		return "; 1 element of the list has no usable id and is left out"
	default:
		return fmt.Sprintf("; %d elements of the list have no usable id and are left out", elements)
	}
}
