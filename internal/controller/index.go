// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// taskIndex knows every stored LivepeerTask, compact, by name and by source. It is fed by the cache's events and by the
// operator's own writes, so that it is never behind the latter. An event that is not the echo of an own write means that
// somebody else changed or deleted a task: it is handed to onForeign.
type taskIndex struct {
	mu       sync.RWMutex
	byName   map[types.NamespacedName]*v1alpha1.LivepeerTask
	bySource map[sourceID]*sourceTasks
	// writing holds the tasks that the operator is about to write, and the UID of one that somebody deleted meanwhile.
	writing map[types.NamespacedName]types.UID

	onForeign func(taskRequest)
}

// sourceID identifies a source. The UID alone would not do: an object in another namespace can name it as its owner.
type sourceID struct {
	Namespace string
	UID       types.UID
}

func idOf(source *v1alpha1.LivepeerTaskSource) sourceID {
	return sourceID{Namespace: source.Namespace, UID: source.UID}
}

func ownerID(task *v1alpha1.LivepeerTask) sourceID {
	id := sourceID{Namespace: task.Namespace}
	if owner := metav1.GetControllerOfNoCopy(task); owner != nil {
		id.UID = owner.UID
	}
	return id
}

// sourceTasks are the stored tasks of one source.
type sourceTasks struct {
	tasks    map[string]*v1alpha1.LivepeerTask
	phases   map[string]int32
	finished int
}

func newTaskIndex() *taskIndex {
	return &taskIndex{
		byName:    map[types.NamespacedName]*v1alpha1.LivepeerTask{},
		bySource:  map[sourceID]*sourceTasks{},
		writing:   map[types.NamespacedName]types.UID{},
		onForeign: func(taskRequest) {},
	}
}

// notifyForeign sets who is told of changes by others, and tells of tasks that a crash left without a status.
func (x *taskIndex) notifyForeign(tell func(taskRequest)) {
	x.mu.Lock()
	x.onForeign = tell
	var unfinished []taskRequest
	for _, task := range x.byName {
		if task.Status.ObservedGeneration == 0 {
			unfinished = append(unfinished, requestFor(task))
		}
	}
	x.mu.Unlock()
	for _, request := range unfinished {
		tell(request)
	}
}

// lookup finds stored tasks of a namespace by name.
func (x *taskIndex) lookup(namespace string) mirror.Lookup {
	return func(name string) (mirror.Entry, bool) {
		x.mu.RLock()
		task, ok := x.byName[types.NamespacedName{Namespace: namespace, Name: name}]
		x.mu.RUnlock()
		if !ok {
			return mirror.Entry{}, false
		}
		return mirror.EntryOf(task), true
	}
}

// entries returns the stored tasks of a source, in no order.
func (x *taskIndex) entries(source sourceID) []mirror.Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	of, ok := x.bySource[source]
	if !ok {
		return nil
	}
	entries := make([]mirror.Entry, 0, len(of.tasks))
	for _, task := range of.tasks {
		entries = append(entries, mirror.EntryOf(task))
	}
	return entries
}

// finished counts the stored tasks of a source that have ended.
func (x *taskIndex) finished(source sourceID) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if of, ok := x.bySource[source]; ok {
		return of.finished
	}
	return 0
}

// counts returns how many tasks of a source are stored, by phase.
func (x *taskIndex) counts(source sourceID) v1alpha1.TaskCounts {
	x.mu.RLock()
	defer x.mu.RUnlock()
	of, ok := x.bySource[source]
	if !ok {
		return v1alpha1.TaskCounts{}
	}
	counts := v1alpha1.TaskCounts{
		Total:     int32(len(of.tasks)), //nolint:gosec // Counts of objects in one cluster fit.
		Pending:   of.phases[v1alpha1.PhasePending],
		Waiting:   of.phases[v1alpha1.PhaseWaiting],
		Running:   of.phases[v1alpha1.PhaseRunning],
		Completed: of.phases[v1alpha1.PhaseCompleted],
		Failed:    of.phases[v1alpha1.PhaseFailed],
		Cancelled: of.phases[v1alpha1.PhaseCancelled],
	}
	counts.Unknown = counts.Total - counts.Pending - counts.Waiting - counts.Running - counts.Completed -
		counts.Failed - counts.Cancelled
	return counts
}

// begin says that the operator is about to write this task: events of it are echoes until done or gone.
func (x *taskIndex) begin(key types.NamespacedName) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writing[key] = ""
}

// done says how a write ended: with the object as it is stored now, or with nil where it failed. What somebody else
// wrote over it meanwhile is told.
func (x *taskIndex) done(key types.NamespacedName, stored *v1alpha1.LivepeerTask) {
	x.mu.Lock()
	deleted := x.writing[key]
	delete(x.writing, key)
	tell, request := x.onForeign, taskRequest{}
	if stored != nil {
		mirror.Compact(stored)
		known, ok := x.byName[key]
		switch {
		case stored.UID == deleted:
			request = requestFor(stored)
		case !ok || newer(stored, known):
			x.set(stored)
		case newer(known, stored) && known.GenerateName != stored.GenerateName:
			request = requestFor(stored)
		}
	}
	x.mu.Unlock()
	if request != (taskRequest{}) {
		tell(request)
	}
}

// gone says that the operator has deleted this task.
func (x *taskIndex) gone(key types.NamespacedName, uid types.UID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.writing, key)
	if known, ok := x.byName[key]; ok && known.UID == uid {
		x.remove(known)
	}
}

var _ toolscache.ResourceEventHandler = &taskIndex{}

// OnAdd takes in a task that the cache lists or sees created. One without a status was left by a crash between the two
// writes that make a task, and is followed up.
func (x *taskIndex) OnAdd(obj any, _ bool) {
	if task, ok := obj.(*v1alpha1.LivepeerTask); ok {
		x.observe(task, task.Status.ObservedGeneration == 0)
	}
}

// OnUpdate takes in a change.
func (x *taskIndex) OnUpdate(_, obj any) {
	if task, ok := obj.(*v1alpha1.LivepeerTask); ok {
		x.observe(task, true)
	}
}

// OnDelete takes in a deletion. One that the operator did not make is told.
func (x *taskIndex) OnDelete(obj any) {
	if last, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = last.Obj
	}
	task, ok := obj.(*v1alpha1.LivepeerTask)
	if !ok {
		return
	}
	key := types.NamespacedName{Namespace: task.Namespace, Name: task.Name}
	x.mu.Lock()
	known, foreign := x.byName[key]
	foreign = foreign && known.UID == task.UID
	if foreign {
		x.remove(known)
	}
	_, writing := x.writing[key]
	if writing {
		x.writing[key] = task.UID
	}
	tell := x.onForeign
	x.mu.Unlock()
	if foreign && !writing {
		tell(requestFor(known))
	}
}

// observe takes in a task as the cache sees it; tellChange says whether content that is not known yet is told.
func (x *taskIndex) observe(task *v1alpha1.LivepeerTask, tellChange bool) {
	key := types.NamespacedName{Namespace: task.Namespace, Name: task.Name}
	x.mu.Lock()
	known, ok := x.byName[key]
	if ok && !newer(task, known) {
		x.mu.Unlock()
		return
	}
	x.set(task)
	_, writing := x.writing[key]
	tell := x.onForeign
	x.mu.Unlock()
	changed := !ok || known.GenerateName != task.GenerateName
	if !tellChange || writing || !changed {
		return
	}
	tell(requestFor(task))
	if ok && ownerOf(known) != ownerOf(task) {
		tell(requestFor(known)) // the owner was edited: the old one puts it right
	} else if ok && known.Spec.ID != task.Spec.ID {
		tell(requestFor(known))
	}
}

// set stores a task in place of what is known under its name. The caller holds the lock.
func (x *taskIndex) set(task *v1alpha1.LivepeerTask) {
	key := types.NamespacedName{Namespace: task.Namespace, Name: task.Name}
	if known, ok := x.byName[key]; ok {
		x.remove(known)
	}
	x.byName[key] = task
	id := ownerID(task)
	of, ok := x.bySource[id]
	if !ok {
		of = &sourceTasks{tasks: map[string]*v1alpha1.LivepeerTask{}, phases: map[string]int32{}}
		x.bySource[id] = of
	}
	of.tasks[task.Name] = task
	of.phases[task.Status.Phase]++
	if task.IsFinished() {
		of.finished++
	}
}

// remove forgets a known task. The caller holds the lock.
func (x *taskIndex) remove(known *v1alpha1.LivepeerTask) {
	delete(x.byName, types.NamespacedName{Namespace: known.Namespace, Name: known.Name})
	id := ownerID(known)
	of, ok := x.bySource[id]
	if !ok {
		return
	}
	delete(of.tasks, known.Name)
	if of.phases[known.Status.Phase]--; of.phases[known.Status.Phase] == 0 {
		delete(of.phases, known.Status.Phase)
	}
	if known.IsFinished() {
		of.finished--
	}
	if len(of.tasks) == 0 {
		delete(x.bySource, id)
	}
}

// newer reports whether a was stored after b. Resource versions of one kind can be compared as numbers.
func newer(a, b *v1alpha1.LivepeerTask) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err != nil || order > 0
}

func ownerOf(task *v1alpha1.LivepeerTask) string {
	if owner := metav1.GetControllerOfNoCopy(task); owner != nil {
		return owner.Name
	}
	return ""
}

// requestFor asks its source to look at a task again.
func requestFor(task *v1alpha1.LivepeerTask) taskRequest {
	return taskRequest{Namespace: task.Namespace, Source: ownerOf(task), ID: task.Spec.ID}
}
