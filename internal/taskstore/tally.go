// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"slices"

	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// sourceCounts counts the stored tasks of one source, and lists them: many sources may share a namespace.
type sourceCounts struct {
	tasks           []*StoredTask // each at its StoredTask.place
	total, finished int
	unwritten       int // without a status
	tally           Tally
	stalled         int32
}

// add counts a task (n is 1), or uncounts it (-1).
func (c *sourceCounts) add(task *StoredTask, n int) {
	c.total += n
	if task.observedGeneration == 0 {
		c.unwritten += n
		return
	}
	c.tally.add(task, int32(n)) //nolint:gosec // 1 or -1
	if task.finished() {
		c.finished += n
	}
	if task.stalled {
		c.stalled += int32(n) //nolint:gosec // 1 or -1
	}
}

// leave removes a task from the list: the last one takes its place.
func (c *sourceCounts) leave(task *StoredTask) {
	last := len(c.tasks) - 1
	c.tasks[task.place], c.tasks[last].place = c.tasks[last], task.place
	c.tasks = slices.Delete(c.tasks, last, last+1)
}

// tasksOf lists the tasks of a source. The caller holds the lock.
func (x *Index) tasksOf(source SourceID) []*StoredTask {
	if of, ok := x.sources[source]; ok {
		return of.tasks
	}
	return nil
}

// countsOf counts the tasks of a source.
func (x *Index) countsOf(source SourceID) sourceCounts {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if of, ok := x.sources[source]; ok {
		return *of
	}
	return sourceCounts{}
}

// Tally counts stored tasks by type and phase. Unknown ones count as the last of each.
type Tally [metrics.Types][metrics.Phases]int32

// add counts a task, or uncounts it.
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
func (x *Index) Tally(source SourceID) Tally { return x.countsOf(source).tally }

// Stalling lists tasks of a source that count as stalled, by their last update, and do not show it: at most limit of them, and
// none of those in but.
func (x *Index) Stalling(source SourceID, before int64, but map[string]struct{}, limit int) (ids []string) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, task := range x.tasksOf(source) {
		if !task.stalls(before) || task.stalled || task.deleting {
			continue
		}
		if _, left := but[task.id]; left {
			continue
		}
		if ids = append(ids, task.id); len(ids) == limit {
			break
		}
	}
	return ids
}

// stalls reports whether the task was last updated before that time, and counts as stalled for it.
func (t *StoredTask) stalls(before int64) bool {
	return t.updatedAt != 0 && t.updatedAt < before && mirror.CanStall(t.phase.Value())
}
