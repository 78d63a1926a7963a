// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"cmp"
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

// conflictAttempts bounds how often one task is planned anew because somebody else wrote it meanwhile.
const conflictAttempts = 4

// maxUnsure bounds the tasks of which it is not known whether they were created.
const maxUnsure = 4096

// Writer carries out plans.
type Writer struct {
	storage Storage
	// live reads from the API server, not from the cache, to settle conflicts.
	live  client.Reader
	index *Index
	slots *fair.Gate
	// observers are told of what was carried out.
	Observers []Observer
	// unsure holds the tasks that may have been created or not, by namespace and ID: no answer said which. The longest ago are forgotten
	// where they are many, as those are that Studio has deleted since.
	unsure *lru.Cache
}

// Observer is told of each action that was carried out.
type Observer interface {
	Wrote(change *Change)
}

// Change is an action that was carried out.
type Change struct {
	Scope  *plan.Scope
	Action *plan.Action
	// Stored is the object as it is stored now; nil where it was deleted.
	Stored *v1alpha1.LivepeerTask
	// Lost counts the transitions that will not be sent: there was no room for them, or the object was deleted.
	Lost int
}

// NewWriter returns a writer to the storage. live reads from the API server itself, and the observers are told of each write.
func NewWriter(storage Storage, live client.Reader, index *Index, observers ...Observer) *Writer {
	return &Writer{
		storage: storage, live: live, index: index, slots: fair.NewGate(writeConcurrency, writeConcurrency), Observers: observers,
		unsure: lru.New(maxUnsure),
	}
}

func (w *Writer) tell(change *Change) {
	for _, observer := range w.Observers {
		observer.Wrote(change)
	}
}

// Written is what became of a plan.
type Written struct {
	mu sync.Mutex
	// Writes counts the actions that were carried out, by verb.
	Writes map[plan.Verb]int
	// Refused are the tasks that the API server would not store, by ID, and why.
	Refused map[string]error
}

// Apply carries out the actions, several at a time, beginning with the first. An error is a *WriteError or the context's: what has begun
// was ended then, and the rest not tried. An object that is refused by the API server does not stop the others.
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

// record sorts out how one action ended.
func (o *Written) record(ctx context.Context, action *plan.Action, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.Writes[action.Verb]++
		return nil
	case Refused(err):
		o.Refused[cmp.Or(observedID(action), action.Stored.ID)] = err
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return &WriteError{Verb: action.Verb, Err: err}
	}
}

func observedID(action *plan.Action) string {
	if action.Observation == nil {
		return ""
	}
	return action.Observation.ID
}

// write carries out one action. Where somebody else was quicker, the task is read again from the API server and planned
// for anew.
func (w *Writer) write(ctx context.Context, scope plan.Scope, action plan.Action) error {
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
			if action.Because != plan.BecauseDeleted {
				return nil // a limit's deletion: the next plan sees what became of it
			}
			// What was asked for is gone from the API. Labels of others may have changed since, and nothing else.
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

// mayExist reports whether a task that is to be created may be stored under another of its names, without the index knowing of it yet: a
// write whose answer was lost may have stored it so.
func (w *Writer) mayExist(action *plan.Action) bool {
	id := action.Observation.ID
	_, unsure := w.unsure.Get(types.NamespacedName{Namespace: action.Desired.Namespace, Name: id})
	return unsure || action.Desired.Name != mirror.Names(id)[0]
}

// sure notes whether it is known what became of a task that was to be created.
func (w *Writer) sure(action *plan.Action, stored *v1alpha1.LivepeerTask, err error) {
	key := types.NamespacedName{Namespace: action.Desired.Namespace, Name: action.Observation.ID}
	switch {
	case stored != nil:
		w.unsure.Remove(key)
	case action.Verb == plan.Create && !overtaken(err) && !Refused(err):
		w.unsure.Add(key, struct{}{})
	}
}

// replan plans an action anew, by what is stored now. It returns false where nothing is left to do.
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

// sameObject reads what has become of a stored object, and returns false where it is no longer there as it was.
func (w *Writer) sameObject(ctx context.Context, stored *mirror.Entry) (bool, error) {
	task, live, err := w.read(ctx, types.NamespacedName{Namespace: stored.Namespace, Name: stored.Name})
	if task == nil || live.Deleting || !live.SameContent(stored) {
		return false, err
	}
	*stored = live
	return true, nil
}

// read reads a stored task; nil where it is gone. The index gets to know what was read: a watch that broke off may be long in telling, as
// of a write whose answer was lost.
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
	return func(name string) (mirror.Entry, bool) {
		entry, ok := entries[name]
		return entry, ok
	}, nil
}

func (w *Writer) once(ctx context.Context, scope *plan.Scope, action *plan.Action) error {
	if action.Verb == plan.Delete {
		err := w.delete(ctx, &action.Stored)
		if err == nil {
			change := &Change{Scope: scope, Action: action}
			if action.Stored.Waiting { // counted once, however many waited
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

// written is what the index keeps of a task that was written, in part where there is an error.
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
