// SPDX-License-Identifier: Apache-2.0

package taskfeed

import (
	"context"
	"errors"
	"sync"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
	"github.com/livepeer/livepeer-task-operator/internal/unserved"
)

// readers bounds the single tasks that are read at once.
const readers = 4

// feed keeps the index in step with the LivepeerTasks of one namespace, or of all. It lists them page by page and watches
// them. A leader knows nearly all content, since it wrote it: it watches metadata only, and reads what it has not
// written itself. Followers watch whole tasks, to be ready to lead; so does a leader if other operators write tasks too.
type feed struct {
	namespace string // empty: all
	index     *taskstore.Index
	client    client.WithWatch
	tasks     rest.Interface // for lists
	metadata  metadata.Interface
	elected   <-chan struct{} // nil if the leader watches whole tasks too
	reads     workqueue.TypedRateLimitingInterface[types.NamespacedName]
	log       logr.Logger

	mu sync.Mutex
	// synced: the tasks were listed. unserved: the API server has no such resource, for now. refused: they may not be listed.
	synced, unserved, refused bool
	// whole is the watch of whole tasks, which ends once this process leads.
	whole watch.Interface
}

// NeedLeaderElection returns false: every replica keeps its index up to date.
func (f *feed) NeedLeaderElection() bool { return false }

// Start lists and watches until the context ends.
func (f *feed) Start(ctx context.Context) error {
	lists := listsOnly{&toolscache.ListWatch{ListWithContextFunc: f.list, WatchFuncWithContext: f.watch}}
	reflector := toolscache.NewReflectorWithOptions(lists, nil, f, toolscache.ReflectorOptions{
		Name: "livepeertasks", TypeDescription: "LivepeerTasks",
	})
	var group sync.WaitGroup
	f.readAll(ctx, &group)
	group.Go(func() { f.lead(ctx) })
	reflector.RunWithContext(ctx)
	f.reads.ShutDown()
	group.Wait()
	return nil
}

// readAll starts the readers of single tasks. They end when the queue is shut down.
func (f *feed) readAll(ctx context.Context, group *sync.WaitGroup) {
	for range readers {
		group.Go(func() {
			for f.read(ctx) {
			}
		})
	}
}

// listsOnly makes the reflector list in pages, which are made compact one by one, rather than have all tasks streamed.
type listsOnly struct{ *toolscache.ListWatch }

// IsWatchListSemanticsUnSupported turns streaming lists off.
func (listsOnly) IsWatchListSemanticsUnSupported() bool { return true }

// HasSynced reports whether the tasks were listed.
func (f *feed) HasSynced() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced
}

// Served reports whether the API server has LivepeerTasks at all.
func (f *feed) Served() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.unserved
}

// Refused reports whether the operator may not list the tasks, and never could.
func (f *feed) Refused() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refused && !f.synced
}

// answered takes note of how a list or a watch began.
func (f *feed) answered(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unserved = apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
	before := f.refused
	f.refused = apierrors.IsForbidden(err)
	if f.refused && !before && !f.synced && f.namespace != "" {
		unserved.Tell(f.log, "LivepeerTasks", f.namespace)
	}
	return err
}

// lead ends the watch of whole tasks once this process leads: the reflector goes on with one of metadata.
func (f *feed) lead(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-f.elected:
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.whole != nil {
			f.whole.Stop()
		}
	}
}

func (f *feed) leads() bool {
	select {
	case <-f.elected:
		return true
	default:
		return false
	}
}

func (f *feed) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	if f.leads() {
		events, err := f.metadata.Resource(schema.GroupVersionResource{
			Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Resource: "livepeertasks",
		}).Namespace(f.namespace).Watch(ctx, options)
		return events, f.answered(err)
	}
	events, err := f.client.Watch(ctx, &v1alpha1.LivepeerTaskList{}, &client.ListOptions{Namespace: f.namespace, Raw: &options})
	if f.answered(err) == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.whole = events; f.leads() { // it became leader meanwhile
			events.Stop()
		}
	}
	return events, err
}

// read reads one task that somebody else may have written. It returns false once the queue is shut down.
func (f *feed) read(ctx context.Context) bool {
	key, shutdown := f.reads.Get()
	if shutdown {
		return false
	}
	defer f.reads.Done(key)
	f.index.BeginRead(key)
	var stored *taskstore.StoredTask
	err := condition.Contain(f.log.WithValues("task", key), func() error {
		task := &v1alpha1.LivepeerTask{}
		if err := f.client.Get(ctx, key, task); err != nil {
			return err
		}
		entry := mirror.EntryOf(task)
		stored = taskstore.StoredOf(&entry)
		return nil
	})
	f.index.Read(key, stored)
	switch _, fault := errors.AsType[*condition.Fault](err); {
	case fault:
		f.reads.Forget(key)
		f.reads.AddAfter(key, faultDelay)
	case err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil:
		f.reads.AddRateLimited(key)
	default:
		f.reads.Forget(key)
	}
	return true
}

var _ toolscache.ReflectorStore = &feed{}

// Replace takes in a list.
func (f *feed) Replace(items []any, version string) error {
	tasks := make([]*taskstore.StoredTask, 0, len(items))
	for _, item := range items {
		if listed, ok := item.(*listedTask); ok {
			tasks = append(tasks, listed.task)
		}
	}
	f.index.Replace(f.namespace, tasks, version)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced = true
	return nil
}

// Add takes in a task that was created.
func (f *feed) Add(obj any) error {
	if task, ok := obj.(*v1alpha1.LivepeerTask); ok {
		if stored := f.compact(task); stored != nil {
			f.index.SeeStored(stored)
		}
		return nil
	}
	return f.Update(obj)
}

// compact makes a task compact; nil after a panic, which the task's source will meet and report.
func (f *feed) compact(task *v1alpha1.LivepeerTask) (stored *taskstore.StoredTask) {
	_ = condition.Contain(f.log, func() error { // the log has it
		entry := mirror.EntryOf(task)
		stored = taskstore.StoredOf(&entry)
		return nil
	})
	return stored
}

// Update takes in a change.
func (f *feed) Update(obj any) error {
	switch obj := obj.(type) {
	case *v1alpha1.LivepeerTask:
		if stored := f.compact(obj); stored != nil {
			f.index.ObserveStored(stored, true)
		}
	case *metav1.PartialObjectMetadata:
		f.index.Notice(client.ObjectKeyFromObject(obj), obj.ResourceVersion)
	}
	return nil
}

// Delete takes in a deletion.
func (f *feed) Delete(obj any) error {
	if object, ok := obj.(metav1.Object); ok {
		key := types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
		f.index.Deleted(key, object.GetUID())
	}
	return nil
}

// Resync does nothing: the index loses nothing.
func (f *feed) Resync() error { return nil }
