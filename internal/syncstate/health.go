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

// Health is what of a source needs somebody's help.
type Health struct {
	Rejected   Rejected
	Unreadable Unreadable
	// unusable counts the elements of Studio's list that have no usable ID.
	unusable int
	// Paused: pruning waits for a confirmation; nil where it does not.
	Paused *Paused
	// Unstalled are tasks that seem stalled, and that the API did not answer about since the last full sync.
	Unstalled map[string]struct{}
}

// needsListing reports whether tasks are rejected or unreadable, or pruning is paused: only a listing of every task tells how they are.
func (h *Health) needsListing() bool {
	return len(h.Rejected) > 0 || h.Paused != nil || h.Unreadable.Count() > 0
}

// Met takes in that a listing met elements without a usable ID. Only one of all tasks tells that there are fewer than before.
func (h *Health) Met(unusable int, whole bool) {
	if whole || unusable > h.unusable {
		h.unusable = unusable
	}
}

// problem is the most urgent one, nil where there is none.
func (h *Health) problem(source *v1alpha1.LivepeerTaskSource) *condition.Error {
	if h.Paused != nil {
		return h.Paused.problem(source)
	}
	if rejected := h.Rejected.problem(); rejected != nil {
		return rejected
	}
	return h.Unreadable.problem()
}

// Judge decides what the Ready condition says. A failed step comes first, then what needs somebody's help, then how far the
// first sync is. failure is nil where the step did not fail, and mirrored counts the tasks that are stored.
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

// notKnown names the types of a source that are not known here. Studio may have new ones; most are misspelled, and mirror nothing.
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

// leftOut says how many elements have no usable ID: no more can be done about them here.
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
