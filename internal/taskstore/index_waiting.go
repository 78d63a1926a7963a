// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"iter"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// await notes a task that has something to be sent. The caller holds the lock.
func (x *Index) await(task *StoredTask) {
	if !task.waiting {
		return
	}
	owner := task.owner.Value()
	names, ok := x.waiting[owner.SourceID]
	if !ok {
		names = map[string]struct{}{}
		x.waiting[owner.SourceID] = names
	}
	names[task.name] = struct{}{}
	x.onWaiting(types.NamespacedName{Namespace: owner.Namespace, Name: owner.name})
}

// unawait forgets what await noted. The caller holds the lock.
func (x *Index) unawait(task *StoredTask) {
	id := task.owner.Value().SourceID
	names := x.waiting[id]
	delete(names, task.name)
	if len(names) == 0 {
		delete(x.waiting, id)
	}
}

// NotifyWaiting sets the callback for sources that have something to be sent.
func (x *Index) NotifyWaiting(tell func(source types.NamespacedName)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onWaiting = tell
}

// WaitingOf returns the names of the tasks of a source that have something to be sent, sorted.
func (x *Index) WaitingOf(source SourceID) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Sorted(maps.Keys(x.waiting[source]))
}

// WaitingTasks counts the tasks that have something to be sent.
func (x *Index) WaitingTasks() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.waitingTasks(maps.Keys(x.waiting))
}

// WaitingTasksOf counts those of some sources.
func (x *Index) WaitingTasksOf(sources iter.Seq[SourceID]) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.waitingTasks(sources)
}

// waitingTasks counts the waiting tasks of some sources. The caller holds the lock.
func (x *Index) waitingTasks(sources iter.Seq[SourceID]) (total int) {
	for source := range sources {
		total += len(x.waiting[source])
	}
	return total
}

// keepFingerprint gives a task that is about to replace a known one its fingerprint, if at most the outbox differs.
func (x *Index) keepFingerprint(key types.NamespacedName, task *StoredTask) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if known, ok := x.byName[key.Namespace][key.Name]; ok && known.uid == task.uid && !known.differs(task) {
		task.fingerprint = known.fingerprint
	}
}
