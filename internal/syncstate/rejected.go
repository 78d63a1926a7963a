// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

const (
	// maxRejected bounds how many rejected tasks of a source are remembered.
	maxRejected = 1000
	// maxRefusal bounds, in bytes, what is remembered of the API server's words.
	maxRefusal = 512

	nameless = "every name that its object could have is taken by another task"
)

// Rejected are the tasks of a source that can't be mirrored, by ID, and why: the API server's refusal, or the empty text
// where another source mirrors them.
type Rejected map[string]string

// Add remembers a rejected task.
func (p *Rejected) Add(id, refusal string) {
	if *p == nil {
		*p = Rejected{}
	}
	if _, known := (*p)[id]; known || len(*p) < maxRejected {
		(*p)[id] = condition.Bounded(refusal, maxRefusal)
	}
}

// Planned remembers why a task can't be mirrored, if what was planned for it says so.
func (p *Rejected) Planned(planned *plan.Result, id string) {
	switch {
	case len(planned.Conflicts) > 0:
		p.Add(id, "")
	case len(planned.Nameless) > 0:
		p.Add(id, nameless)
	case len(planned.Actions) == 0:
		delete(*p, id)
	}
}

// Freed reports whether a tenth of them, or more, can be mirrored now, since the objects that were in their way are gone. Less is not worth
// a full sync out of turn: a source that another is in conflict with gives up tasks all the time where its history is full.
func (p Rejected) Freed(stored plan.Lookup) bool {
	blocked, free := 0, 0
	for id, refusal := range p {
		if !blocks(refusal) {
			continue
		}
		if blocked++; stored.Free(id) {
			free++
		}
	}
	return free > 0 && 10*free >= blocked
}

// blocks reports whether it is another object that is in the way of a task.
func blocks(refusal string) bool { return refusal == "" || refusal == nameless }

// refused reports whether the API server refused some of them.
func (p Rejected) refused() bool {
	for _, refusal := range p {
		if !blocks(refusal) {
			return true
		}
	}
	return false
}

// problem sums the rejected tasks up; nil if there are none.
func (p *Rejected) problem() *condition.Error {
	refused, conflicts := 0, 0
	first := ""
	for _, id := range slices.Sorted(maps.Keys(*p)) {
		refusal := (*p)[id]
		if refusal == "" {
			conflicts++
			continue
		}
		if refused++; first == "" {
			first = fmt.Sprintf("task %s: %s", id, refusal)
		}
	}
	switch {
	case refused > 0:
		return &condition.Error{
			Reason: v1alpha1.ReasonRefused, Stalled: true,
			Message: fmt.Sprintf("The Kubernetes API server refuses to store %s; all others are mirrored. %s. The first is %s",
				tasks(refused), remedy(first), first),
		}
	case conflicts > 0:
		return &condition.Error{
			Reason: v1alpha1.ReasonConflict, Stalled: true,
			Message: fmt.Sprintf("%s mirrored by another LivepeerTaskSource in this namespace, which keeps them: "+
				"delete one of the two sources, give each spec.types that the other has not, or move one to another namespace",
				tasksAre(conflicts)),
		}
	}
	return nil
}

// remedy says what to do about a refusal.
func remedy(refusal string) string {
	if strings.Contains(refusal, "'livepeer-task-operator-mirror'") {
		return "To let this operator write tasks, bind the ClusterRole livepeer-task-operator-task-writer-role to its ServiceAccount; " +
			"it tries again by itself"
	}
	for _, verb := range []string{"create", "update", "delete"} {
		if strings.Contains(refusal, `" cannot `+verb+` resource "livepeertasks`) { // as Kubernetes says it, whatever authorizes
			return "The operator lacks a right in this cluster: apply its roles again, as it was installed; it tries again by itself"
		}
	}
	return "Change what it names, such as a policy or a quota; the operator tries again by itself"
}

func tasks(n int) string {
	if n == 1 {
		return "1 task"
	}
	return fmt.Sprintf("%d tasks", n)
}

func tasksAre(n int) string {
	if n == 1 {
		return "1 task is"
	}
	return fmt.Sprintf("%d tasks are", n)
}
