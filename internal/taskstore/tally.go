// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"slices"

	"github.com/livepeer/livepeer-task-operator/internal/metrics"
)

// Tally counts stored tasks by type and phase. What is not known counts as the last of each.
type Tally [6][7]int32

// add counts a task, or no longer.
func (t *Tally) add(task *StoredTask, n int32) {
	t[place(task.kind.Value(), metrics.KnownTypes())][place(task.phase.Value(), metrics.KnownPhases())] += n
}

// in returns how many tasks are in a phase.
func (t *Tally) in(phase string) int32 {
	sum, at := int32(0), place(phase, metrics.KnownPhases())
	for kind := range t {
		sum += t[kind][at]
	}
	return sum
}

func place(value string, known []string) int {
	if at := slices.Index(known, value); at >= 0 {
		return at
	}
	return len(known) - 1
}

// Tally returns how many tasks of a source are stored, by type and phase.
func (x *Index) Tally(source SourceID) Tally {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if of, ok := x.sources[source]; ok {
		return of.tally
	}
	return Tally{}
}
