// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// begin notes that the operator is about to write this task: until done or gone, watch events for it may be echoes.
func (x *Index) begin(key types.NamespacedName) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writing[key] = x.writing[key].join()
}

// done ends a write: task is what is stored now, or nil if the write failed. What somebody else made of it meanwhile is reported.
func (x *Index) done(key types.NamespacedName, task *StoredTask) {
	x.mu.Lock()
	seen := leave(x.writing, key)
	known, ok := x.byName[key.Namespace][key.Name]
	var foreign *StoredTask
	switch {
	case task == nil:
		foreign = seen.foreign
	case slices.Contains(seen.deleted, task.uid), !ok && x.lacks(task), ok && newer(known.version, task.version) && known.differs(task):
		foreign = task
	case !ok || newer(task.version, known.version):
		x.set(task, true)
		known, ok = task, true
	case known.version == task.version: // the echo came first, without the fingerprint
		known.fingerprint = task.fingerprint
	}
	look := seen.version != "" && (!ok || newer(seen.version, known.version))
	tell, tellUnread := x.onExternalChange, x.onUnread
	x.mu.Unlock()
	if foreign != nil {
		tell(foreign.ref())
	}
	if look {
		tellUnread(key)
	}
}

// gone ends a deletion by the operator. Another task may have the name by now.
func (x *Index) gone(key types.NamespacedName, uid types.UID) {
	x.mu.Lock()
	if known, ok := x.byName[key.Namespace][key.Name]; ok && known.uid == uid {
		x.remove(known)
	}
	for _, seen := range []*inFlight{x.writing[key], x.reading[key]} {
		if seen != nil {
			seen.deleted, seen.foreign = append(seen.deleted, uid), nil // by nobody else
		}
	}
	x.mu.Unlock()
	x.done(key, nil)
}

// SeeStored takes in a task as it is stored. It reports content that is not known yet if the task was known before; of a new task, only
// that its status is not for its spec, as after a crash.
func (x *Index) SeeStored(task *StoredTask) { x.ObserveStored(task, false) }

// See takes in a task that was created or listed.
func (x *Index) See(task *v1alpha1.LivepeerTask) {
	entry := mirror.EntryOf(task)
	x.SeeStored(StoredOf(&entry))
}

// Observe takes in a task that was changed.
func (x *Index) Observe(task *v1alpha1.LivepeerTask) {
	entry := mirror.EntryOf(task)
	x.ObserveStored(StoredOf(&entry), true)
}

// ObserveStored does the same for a task that may be known to have changed: then a new one is reported, too. Own writes never are.
func (x *Index) ObserveStored(task *StoredTask, changed bool) {
	x.mu.Lock()
	tell := x.observe(task, changed)
	x.mu.Unlock()
	tell()
}

// observe is ObserveStored, and returns what is to be called without the lock, which the caller holds.
func (x *Index) observe(task *StoredTask, tellChange bool) (tell func()) {
	key := task.key()
	known, ok := x.byName[key.Namespace][key.Name]
	if ok && !newer(task.version, known.version) {
		return func() {}
	}
	tellChange = tellChange || ok || task.observedGeneration != task.generation
	changed := !ok || known.differs(task)
	if !changed {
		task.fingerprint = known.fingerprint
	}
	x.set(task, false)
	seen, writing := x.writing[key]
	if writing && tellChange && changed { // or the echo of that write
		seen.foreign = task
	}
	onChange := x.onExternalChange
	return func() {
		if !tellChange || writing || !changed {
			return
		}
		onChange(task.ref())
		if ok && known.ref() != task.ref() {
			onChange(known.ref()) // owner or ID were edited: the task of the old ones repairs the object
		}
	}
}

// Notice takes in a watch event without content. If no own write made this version, the task has to be read.
func (x *Index) Notice(key types.NamespacedName, version string) {
	x.mu.Lock()
	known, ok := x.byName[key.Namespace][key.Name]
	seen, writing := x.writing[key]
	look := !ok || newer(version, known.version)
	if look && writing {
		if seen.version == "" || newer(version, seen.version) {
			seen.version = version
		}
		look = false
	}
	tell := x.onUnread
	x.mu.Unlock()
	if look {
		tell(key)
	}
}

// BeginRead notes that a task is about to be read.
func (x *Index) BeginRead(key types.NamespacedName) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reading[key] = x.reading[key].join()
}

// Read takes in a task that was read; nil if it does not exist, or could not be read.
func (x *Index) Read(key types.NamespacedName, task *StoredTask) {
	x.mu.Lock()
	deleted := leave(x.reading, key).deleted
	_, known := x.byName[key.Namespace][key.Name]
	tell := func() {}
	if task != nil && !slices.Contains(deleted, task.uid) && (known || !x.lacks(task)) {
		tell = x.observe(task, false)
	}
	x.mu.Unlock()
	tell()
}

// lacks reports whether a task that is not known has been deleted since that version: a later list lacks it. The caller holds the lock.
func (x *Index) lacks(task *StoredTask) bool {
	listed := cmp.Or(x.listed[task.key().Namespace], x.listed[metav1.NamespaceAll])
	return listed != "" && !newer(task.version, listed)
}

// Deleted takes in the deletion of a task, and reports it if the operator did not make it.
func (x *Index) Deleted(key types.NamespacedName, uid types.UID) {
	x.mu.Lock()
	known := x.byName[key.Namespace][key.Name]
	if known != nil && known.uid == uid {
		x.remove(known)
	} else {
		known = nil
	}
	for _, seen := range []*inFlight{x.writing[key], x.reading[key]} {
		if seen != nil {
			seen.deleted, seen.foreign = append(seen.deleted, uid), cmp.Or(known, seen.foreign)
		}
	}
	tell, writing := x.onExternalChange, x.writing[key] != nil
	x.mu.Unlock()
	if known != nil && !writing {
		tell(known.ref())
	}
}

// Replace takes in a list, as of a version, of all tasks of a namespace, or of all if that is "": older ones that it lacks are deleted.
func (x *Index) Replace(namespace string, tasks []*StoredTask, version string) {
	listed := make(map[types.NamespacedName]struct{}, len(tasks))
	for _, task := range tasks {
		listed[task.key()] = struct{}{}
		x.SeeStored(task)
	}
	type object struct {
		key types.NamespacedName
		uid types.UID
	}
	var lost []object
	x.mu.Lock()
	for in, known := range x.byName {
		for name, task := range known {
			key := types.NamespacedName{Namespace: in, Name: name}
			if _, ok := listed[key]; !ok && (namespace == "" || namespace == in) && !newer(task.version, version) {
				lost = append(lost, object{key, task.uid})
			}
		}
	}
	x.listed[namespace] = version
	x.mu.Unlock()
	for _, object := range lost {
		x.Deleted(object.key, object.uid)
	}
}
