// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// await notes that a task has something to be sent, if so. The caller holds the lock.
func (x *taskIndex) await(task *storedTask) {
	if !task.waiting {
		return
	}
	owner := task.owner.Value()
	names, ok := x.waiting[owner.sourceID]
	if !ok {
		names = map[string]struct{}{}
		x.waiting[owner.sourceID] = names
	}
	names[task.name] = struct{}{}
	x.onWaiting(types.NamespacedName{Namespace: owner.Namespace, Name: owner.name})
}

// unawait forgets what await noted. The caller holds the lock.
func (x *taskIndex) unawait(task *storedTask) {
	id := task.owner.Value().sourceID
	names := x.waiting[id]
	delete(names, task.name)
	if len(names) == 0 {
		delete(x.waiting, id)
	}
}

// notifyWaiting sets who is told of sources that have something to be sent.
func (x *taskIndex) notifyWaiting(tell func(source types.NamespacedName)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onWaiting = tell
}

// waitingOf returns the names of the tasks of a source that have something to be sent, sorted.
func (x *taskIndex) waitingOf(source sourceID) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Sorted(maps.Keys(x.waiting[source]))
}

// waitingTasks counts the tasks that have something to be sent.
func (x *taskIndex) waitingTasks() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	total := 0
	for _, names := range x.waiting {
		total += len(names)
	}
	return total
}

// keepMark lets a task that is about to replace what is known keep its mark, where only what waits to be sent differs.
func (x *taskIndex) keepMark(key types.NamespacedName, task *storedTask) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if known, ok := x.byName[key.Namespace][key.Name]; ok && known.uid == task.uid && !known.differs(task) {
		task.mark = known.mark
	}
}
