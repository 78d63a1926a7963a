// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// rewatch is how long to wait before watching anew, as after a restart of the API server.
const rewatch = 100 * time.Millisecond

// stored is what the witness knows of a LivepeerTask.
type stored struct {
	namespace, name, id string
}

// witness sees every LivepeerTask come and go, past the proxies, and judges it. An informer would not do: it folds a
// deletion and a creation of the same name into one change. Safe for concurrent use.
type witness struct {
	report *report
	// alive reports whether the task with that ID is in the account that this namespace mirrors.
	alive  func(namespace, id string) bool
	cancel context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex
	tasks  map[types.UID]stored
	people map[types.UID]int // how often somebody else than the operator has deleted it, or is about to
}

func newWitness(report *report, alive func(namespace, id string) bool) *witness {
	return &witness{
		report: report, alive: alive, ended: make(chan struct{}),
		tasks: map[types.UID]stored{}, people: map[types.UID]int{},
	}
}

func (w *witness) start(c client.WithWatch) {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go func() {
		defer close(w.ended)
		for {
			w.follow(ctx, c) // however it ended, it begins anew
			if !pause(ctx, rewatch) {
				return
			}
		}
	}()
}

func (w *witness) stop() {
	w.cancel()
	<-w.ended
}

// follow lists and watches until the watch ends.
func (w *witness) follow(ctx context.Context, c client.WithWatch) {
	list := &v1alpha1.LivepeerTaskList{}
	if c.List(ctx, list) != nil {
		return
	}
	w.replace(list.Items)
	events, err := c.Watch(ctx, &v1alpha1.LivepeerTaskList{},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		return
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		task, ok := event.Object.(*v1alpha1.LivepeerTask)
		switch {
		case !ok:
			return // an error, such as that the watch expired
		case event.Type == apiwatch.Deleted:
			w.gone(task.UID)
		default:
			w.there(task)
		}
	}
}

// replace takes in a list, after a time without a watch: first what is gone, since what is new may take its place.
func (w *witness) replace(tasks []v1alpha1.LivepeerTask) {
	listed := map[types.UID]bool{}
	for i := range tasks {
		listed[tasks[i].UID] = true
	}
	for _, uid := range w.uids() {
		if !listed[uid] {
			w.gone(uid)
		}
	}
	for i := range tasks {
		w.there(&tasks[i])
	}
}

func (w *witness) uids() []types.UID {
	w.mu.Lock()
	defer w.mu.Unlock()
	uids := make([]types.UID, 0, len(w.tasks))
	for uid := range w.tasks {
		uids = append(uids, uid)
	}
	return uids
}

// there takes in an object. A second one of the same task must never be, not even for a moment.
func (w *witness) there(task *v1alpha1.LivepeerTask) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.tasks[task.UID]; known {
		return // what people edit is not looked at here
	}
	for _, other := range w.tasks {
		if other.namespace == task.Namespace && other.id == task.Spec.ID {
			w.report.wrong(doubled, "%s/%s was made while %s held the task %q", task.Namespace, task.Name, other.name, other.id)
		}
	}
	w.tasks[task.UID] = stored{task.Namespace, task.Name, task.Spec.ID}
}

// gone takes in a deletion. The operator may delete only what is gone from Studio.
func (w *witness) gone(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	task, known := w.tasks[uid]
	if !known {
		return
	}
	delete(w.tasks, uid)
	w.report.add(deletions, 1)
	if w.people[uid] > 0 {
		delete(w.people, uid)
		return
	}
	if w.alive(task.namespace, task.id) {
		w.report.wrong(wrongDeletions, "%s/%s, though the task %q is in Studio", task.namespace, task.name, task.id)
	}
}

// byPeople says that somebody else than the operator is about to delete an object; the answer takes that back.
func (w *witness) byPeople(uid types.UID) (takeBack func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.people[uid]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.people[uid]-- // another hand may have been quicker, and that is not seen yet
	}
}

// count returns how many tasks are stored in a namespace.
func (w *witness) count(namespace string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, task := range w.tasks {
		if task.namespace == namespace {
			n++
		}
	}
	return n
}

// some picks one of the stored tasks of a namespace and returns its name; empty: there is none.
func (w *witness) some(r *rand.Rand, namespace string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, task := range w.tasks {
		if task.namespace == namespace {
			names = append(names, task.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names) // a map begins anywhere, but not everywhere as often
	return names[r.IntN(len(names))]
}
