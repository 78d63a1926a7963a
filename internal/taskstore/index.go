// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"iter"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// Index knows every stored LivepeerTask, by name and by source. It is fed by lists and watches of the API server and by
// the operator's own writes, so that it is never behind the latter. Content that is neither known nor the echo of an own
// write means that somebody else changed or deleted a task: onExternalChange is called for it.
type Index struct {
	mu      sync.RWMutex
	byName  map[string]map[string]*StoredTask // by namespace and name
	sources map[SourceID]*sourceCounts
	// writing holds the tasks that the operator is writing, and reading those that it is reading.
	writing, reading map[types.NamespacedName]*inFlight
	// sequence counts the changes of content.
	sequence uint64
	// listed is the resourceVersion of the latest list, by namespace; "" is the key of lists of the whole cluster.
	listed map[string]string

	// waiting holds the names of the tasks that have something to be sent, by source.
	waiting map[SourceID]map[string]struct{}

	onExternalChange func(TaskRef)
	// onUnread is called for tasks that have to be read.
	onUnread func(types.NamespacedName)
	// onWaiting is called, under the lock, for a source with something to be sent.
	onWaiting func(source types.NamespacedName)
}

// inFlight is what the watch showed of a task while it was being written or read.
type inFlight struct {
	users   int
	deleted []types.UID // the objects of that name that were deleted
	foreign *StoredTask // the same, where it was known; or what was edited
	version string      // the latest version
}

func (m *inFlight) join() *inFlight {
	if m == nil {
		m = &inFlight{}
	}
	m.users++
	return m
}

// leave ends one use.
func leave(all map[types.NamespacedName]*inFlight, key types.NamespacedName) inFlight {
	m, ok := all[key]
	if !ok {
		return inFlight{}
	}
	if m.users--; m.users == 0 {
		delete(all, key)
	}
	return *m
}

// SourceID identifies a source. The UID alone would not do: an object in another namespace can name it as its owner.
type SourceID struct {
	Namespace string
	UID       types.UID
}

// SourceIDOf identifies a source.
func SourceIDOf(source *v1alpha1.LivepeerTaskSource) SourceID {
	return SourceID{Namespace: source.Namespace, UID: source.UID}
}

// NewIndex returns an index that knows of no task yet.
func NewIndex() *Index {
	return &Index{
		byName:           map[string]map[string]*StoredTask{},
		sources:          map[SourceID]*sourceCounts{},
		writing:          map[types.NamespacedName]*inFlight{},
		reading:          map[types.NamespacedName]*inFlight{},
		listed:           map[string]string{},
		onExternalChange: func(TaskRef) {},
		onUnread:         func(types.NamespacedName) {},
		waiting:          map[SourceID]map[string]struct{}{},
		onWaiting:        func(types.NamespacedName) {},
	}
}

// NotifyExternalChanges sets the callback for others' changes, and calls it for tasks whose status is not for their spec, as after a crash.
func (x *Index) NotifyExternalChanges(tell func(TaskRef)) {
	x.mu.Lock()
	x.onExternalChange = tell
	var unfinished []TaskRef
	for _, tasks := range x.byName {
		for _, task := range tasks {
			if task.observedGeneration != task.generation {
				unfinished = append(unfinished, task.ref())
			}
		}
	}
	x.mu.Unlock()
	for _, request := range unfinished {
		tell(request)
	}
}

// NotifyUnread sets the callback for tasks that have to be read: somebody else may have written them.
func (x *Index) NotifyUnread(tell func(types.NamespacedName)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onUnread = tell
}

// Lookup finds stored tasks of a namespace by name.
func (x *Index) Lookup(namespace string) plan.Lookup {
	return func(name string) (mirror.Entry, bool) {
		x.mu.RLock()
		defer x.mu.RUnlock()
		task, ok := x.byName[namespace][name]
		if !ok {
			return mirror.Entry{}, false
		}
		return task.entry(), true
	}
}

// Mirrors reports whether the stored task of that name is this source's, and is known to mirror the answer of the API
// with this fingerprint. before is plan.Scope.StalledBefore: the object must show whether the task is stalled.
func (x *Index) Mirrors(source SourceID, name, id string, fingerprint uint64, before int64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	task, ok := x.byName[source.Namespace][name]
	return ok && fingerprint != 0 && task.fingerprint == fingerprint && task.id == id && task.owner.Value().SourceID == source &&
		!task.deleting && task.stalled == task.stalls(before)
}

// Shows reports whether the stored task of that name is this source's, and has this time of update, in milliseconds since 1970.
// See Mirrors.
func (x *Index) Shows(source SourceID, name, id string, updatedAt, before int64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	known, ok := x.byName[source.Namespace][name]
	return ok && updatedAt != 0 && known.updatedAt == updatedAt && known.id == id &&
		known.owner.Value().SourceID == source && known.observedGeneration == known.generation && !known.deleting &&
		known.stalled == known.stalls(before)
}

// Recognise notes which answer of the API a stored task mirrors, unless the object has changed since.
func (x *Index) Recognise(stored *mirror.Entry, fingerprint uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if task, ok := x.byName[stored.Namespace][stored.Name]; ok && task.version == stored.ResourceVersion {
		task.fingerprint = fingerprint
	}
}

// Entries yields the stored tasks of a source, in no order. It holds the lock: the index must not be used meanwhile.
func (x *Index) Entries(source SourceID) iter.Seq[*mirror.Entry] {
	return func(yield func(*mirror.Entry) bool) {
		x.mu.RLock()
		defer x.mu.RUnlock()
		for _, task := range x.tasksOf(source) {
			if entry := task.entry(); !yield(&entry) {
				return
			}
		}
	}
}

// Changes counts the changes of stored tasks by others, and new tasks. Tasks with a larger Sequence have changed since.
func (x *Index) Changes() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.sequence
}

// Unchanged reports whether nobody else has changed a stored task since.
func (x *Index) Unchanged(stored *mirror.Entry) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	task, ok := x.byName[stored.Namespace][stored.Name]
	return ok && task.sequence == stored.Sequence
}

// Finished counts the stored tasks of a source that have ended.
func (x *Index) Finished(source SourceID) int { return x.countsOf(source).finished }

// Stored returns what is stored of a source, for plan.Bounds. The index must not be used while its entries are iterated.
func (x *Index) Stored(source SourceID) plan.Stored {
	return plan.Stored{Finished: x.Finished(source), Entries: x.Entries(source)}
}

// Counts returns how many tasks of a source are mirrored, by phase. Objects whose status is not written yet are not counted:
// Unknown is for phases that Studio sends.
func (x *Index) Counts(source SourceID) v1alpha1.TaskCounts {
	of := x.countsOf(source)
	return v1alpha1.TaskCounts{
		Total:     int32(of.total - of.unwritten), //nolint:gosec // Counts of objects in one cluster fit.
		Pending:   of.tally.in(v1alpha1.PhasePending),
		Waiting:   of.tally.in(v1alpha1.PhaseWaiting),
		Running:   of.tally.in(v1alpha1.PhaseRunning),
		Completed: of.tally.in(v1alpha1.PhaseCompleted),
		Failed:    of.tally.in(v1alpha1.PhaseFailed),
		Cancelled: of.tally.in(v1alpha1.PhaseCancelled),
		Unknown:   of.tally.in(metrics.UnknownPhase),
		Stalled:   of.stalled,
	}
}

// set puts a task in place of the one known under its name. own: the operator wrote it, nobody else. The caller holds the lock.
func (x *Index) set(task *StoredTask, own bool) {
	id := task.owner.Value().SourceID
	namespace := id.Namespace
	known, ok := x.byName[namespace][task.name]
	if ok {
		x.remove(known)
	}
	if ok && known.uid == task.uid && (own || !known.differs(task)) {
		task.sequence, task.changed = known.sequence, known.changed
	} else {
		x.sequence++
		_, writing := x.writing[task.key()] // then this may be an echo
		task.sequence, task.changed = x.sequence, ok && (known.changed || !writing)
	}
	tasks, ok := x.byName[namespace]
	if !ok {
		tasks = map[string]*StoredTask{}
		x.byName[namespace] = tasks
	}
	tasks[task.name] = task
	of, ok := x.sources[id]
	if !ok {
		of = &sourceCounts{}
		x.sources[id] = of
	}
	task.place, of.tasks = len(of.tasks), append(of.tasks, task)
	of.add(task, 1)
	x.await(task)
}

// remove removes a known task. The caller holds the lock.
func (x *Index) remove(known *StoredTask) {
	id := known.owner.Value().SourceID
	delete(x.byName[id.Namespace], known.name)
	x.unawait(known)
	of := x.sources[id]
	of.leave(known)
	of.add(known, -1)
	if of.total == 0 {
		delete(x.sources, id)
	}
}
