// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// writeConcurrency bounds the writes under way at once. More than this gains nothing: the API server is the bottleneck.
const writeConcurrency = 16

// conflictAttempts bounds the attempts at one action; each after the first is planned anew, because somebody else wrote the task.
const conflictAttempts = 4

// maxUnsure bounds the tasks of which it is not known whether they were created.
const maxUnsure = 4096

// Writer carries out plans.
type Writer struct {
	storage Storage
	// live reads from the API server, not from a cache, to settle conflicts.
	live  client.Reader
	index *Index
	slots *fair.Gate
	// tasks has one slot for each: else two writes could create one under two of its names.
	tasks *fair.Gate
	// Observers are called after each action that was carried out.
	Observers []Observer
	// unsure holds the tasks, by namespace and ID, whose creation got no answer, so that they may exist or not. If there are too many, the
	// oldest are forgotten; so are in time those that Studio has deleted since.
	unsure *lru.Cache
}

// Observer learns of each action that was carried out.
type Observer interface {
	Wrote(change *Change)
}

// Change is an action that was carried out.
type Change struct {
	Scope  *plan.Scope
	Action *plan.Action
	// Stored is the object as it is stored now; nil if it was deleted.
	Stored *v1alpha1.LivepeerTask
	// Lost counts the transitions that will not be sent: there was no room for them, or the object was deleted.
	Lost int
}

// NewWriter returns a writer to the storage. live reads from the API server itself, and the observers are called after each write.
func NewWriter(storage Storage, live client.Reader, index *Index, observers ...Observer) *Writer {
	return &Writer{
		storage: storage, live: live, index: index, slots: fair.NewGate(writeConcurrency, writeConcurrency), Observers: observers,
		tasks: fair.NewGate(writeConcurrency, 1), unsure: lru.New(maxUnsure),
	}
}

func (w *Writer) tell(change *Change) {
	for _, observer := range w.Observers {
		observer.Wrote(change)
	}
}

// Written is the result of Apply.
type Written struct {
	mu sync.Mutex
	// Writes counts the actions that were carried out, by verb.
	Writes map[plan.Verb]int
	// Refused are the tasks that the API server would not store, by ID, and why.
	Refused map[string]error
}

// Apply carries out the actions, several at a time, beginning with the first. The error is a *WriteError or the context's: actions that
// had begun have ended by then, and the rest was not tried. An object that the API server refuses does not stop the others.
func (w *Writer) Apply(ctx context.Context, scope plan.Scope, actions []plan.Action) (*Written, error) {
	out := &Written{Writes: map[plan.Verb]int{}, Refused: map[string]error{}}
	source := types.NamespacedName{Namespace: scope.Namespace, Name: scope.Source}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writeConcurrency)
	for _, action := range actions {
		group.Go(func() error {
			release, err := w.slots.Acquire(ctx, source)
			if err != nil {
				return err
			}
			defer release()
			err = fair.Finish(ctx, func(ctx context.Context) error {
				return condition.Contain(log.FromContext(ctx), func() error { return w.write(ctx, scope, action) })
			})
			return out.record(ctx, &action, err)
		})
	}
	return out, group.Wait()
}

// record takes in how one action ended.
func (o *Written) record(ctx context.Context, action *plan.Action, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.Writes[action.Verb]++
		return nil
	case Refused(err):
		o.Refused[action.ID()] = err
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return &WriteError{Verb: action.Verb, Err: err}
	}
}

// write carries out one action. If somebody else has written the task first, it reads the task from the API server and plans
// anew.
func (w *Writer) write(ctx context.Context, scope plan.Scope, action plan.Action) error {
	release, err := w.tasks.Acquire(ctx, types.NamespacedName{Namespace: scope.Namespace + "/" + action.ID()})
	if err != nil {
		return err
	}
	defer release()
	if action.Verb == plan.Create && w.mayExist(&action) {
		if again, err := w.replan(ctx, scope, &action); !again {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		err := w.once(ctx, &scope, &action)
		if err == nil || !overtaken(err) || attempt == conflictAttempts {
			return err
		}
		if action.Observation == nil {
			// Delete the object unless more than others' labels has changed since: why it has to go, its content alone tells.
			if again, err := w.sameObject(ctx, &action.Stored); !again {
				return err
			}
			continue
		}
		if again, err := w.replan(ctx, scope, &action); !again {
			return err
		}
	}
}

// mayExist reports whether a task that is to be created may already be stored under another of its names: by a write since it was planned,
// or, unknown to the index, by one whose answer was lost.
func (w *Writer) mayExist(action *plan.Action) bool {
	id := action.Observation.ID
	_, unsure := w.unsure.Get(types.NamespacedName{Namespace: action.Desired.Namespace, Name: id})
	_, known := w.index.Lookup(action.Desired.Namespace).ByID(id)
	return unsure || known || action.Desired.Name != mirror.Names(id)[0]
}

// sure notes whether it is known if a task was created.
func (w *Writer) sure(action *plan.Action, stored *v1alpha1.LivepeerTask, err error) {
	key := types.NamespacedName{Namespace: action.Desired.Namespace, Name: action.Observation.ID}
	switch {
	case stored != nil:
		w.unsure.Remove(key)
	case action.Verb == plan.Create && !overtaken(err) && !Refused(err):
		w.unsure.Add(key, struct{}{})
	}
}

// replan plans an action anew, by what is stored now. It returns false if nothing is left to do.
func (w *Writer) replan(ctx context.Context, scope plan.Scope, action *plan.Action) (bool, error) {
	lookup, err := w.readLive(ctx, scope.Namespace, action.Observation.ID)
	if err != nil {
		return false, err
	}
	planned := plan.Plan(scope, []*mirror.Observation{action.Observation}, lookup)
	if len(planned.Actions) == 0 {
		return false, nil
	}
	*action = planned.Actions[0]
	return true, nil
}

// sameObject reads a stored object again, and returns false if it is gone, or its content has changed.
func (w *Writer) sameObject(ctx context.Context, stored *mirror.Entry) (bool, error) {
	task, live, err := w.read(ctx, types.NamespacedName{Namespace: stored.Namespace, Name: stored.Name})
	if task == nil || live.Deleting || !live.SameContent(stored) {
		return false, err
	}
	*stored = live
	return true, nil
}

// read reads a stored task; nil if it is gone. It also updates the index: after a write whose answer was lost, a broken watch may be
// late to show it.
func (w *Writer) read(ctx context.Context, key types.NamespacedName) (*v1alpha1.LivepeerTask, mirror.Entry, error) {
	w.index.BeginRead(key)
	task := &v1alpha1.LivepeerTask{}
	if err := w.live.Get(ctx, key, task); err != nil {
		w.index.Read(key, nil)
		return nil, mirror.Entry{}, client.IgnoreNotFound(err)
	}
	entry := mirror.EntryOf(task)
	w.index.Read(key, StoredOf(&entry))
	return task, entry, nil
}

// readLive reads all objects that may hold a task.
func (w *Writer) readLive(ctx context.Context, namespace, id string) (plan.Lookup, error) {
	entries := map[string]mirror.Entry{}
	for _, name := range mirror.Names(id) {
		task := &v1alpha1.LivepeerTask{}
		err := w.live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, task)
		switch {
		case err == nil:
			entries[name] = mirror.EntryOf(task)
		case !apierrors.IsNotFound(err):
			return nil, err
		}
	}
	return func(name string) (entry mirror.Entry, ok bool) { entry, ok = entries[name]; return entry, ok }, nil
}

func (w *Writer) once(ctx context.Context, scope *plan.Scope, action *plan.Action) error {
	if action.Verb == plan.Delete {
		err := w.delete(ctx, &action.Stored)
		if err == nil {
			change := &Change{Scope: scope, Action: action}
			if action.Stored.Waiting { // counted once, however many transitions waited
				change.Lost = 1
			}
			w.tell(change)
		}
		return err
	}
	lost, err := w.notifications(ctx, scope, action)
	if err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(action.Desired)
	w.index.begin(key)
	var stored *v1alpha1.LivepeerTask
	err = condition.Contain(log.FromContext(ctx), func() (err error) {
		switch action.Verb {
		case plan.Create:
			stored, err = w.create(ctx, action)
		case plan.Update:
			stored, err = w.update(ctx, action)
		default:
			stored, err = w.updateStatus(ctx, &metav1.ObjectMeta{
				Name: key.Name, Namespace: key.Namespace, UID: action.Stored.UID,
				ResourceVersion: action.Stored.ResourceVersion, Generation: action.Stored.Generation,
			}, action.Desired)
		}
		return err
	})
	w.sure(action, stored, err)
	if stored == nil {
		w.index.done(key, nil)
		return err
	}
	w.index.done(key, written(stored, action, err))
	if err == nil {
		w.tell(&Change{Scope: scope, Action: action, Stored: stored, Lost: lost})
	}
	return err
}

// written returns what the index keeps of a task that was written; with an error, only a part of it was.
func written(stored *v1alpha1.LivepeerTask, action *plan.Action, err error) *StoredTask {
	if err != nil {
		entry := mirror.EntryOf(stored)
		return StoredOf(&entry)
	}
	entry := mirror.EntryWith(stored, action.Content)
	task := StoredOf(&entry)
	task.fingerprint = action.Observation.Fingerprint
	return task
}
