// SPDX-License-Identifier: Apache-2.0

package taskstore

import "github.com/livepeer/livepeer-task-operator/internal/mirror"

// Stalling lists tasks of a source that count as stalled, by their last update, and are not shown so: at most limit of them, and
// none of those that are left out.
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

// stalls reports whether the task counts as stalled, if it was last updated before that time.
func (t *StoredTask) stalls(before int64) bool {
	return t.updatedAt != 0 && t.updatedAt < before && mirror.CanStall(t.phase.Value())
}
