// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"iter"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// shard is which sources this operator serves where others serve the rest. A source that it does not know may be another's, and
// says nothing about its tasks: they are neither looked at nor written. A nil shard serves all sources.
type shard struct {
	mu      sync.Mutex
	sources map[types.NamespacedName]types.UID
}

func newShard() *shard { return &shard{sources: map[types.NamespacedName]types.UID{}} }

// begin takes in the sources that are there when this operator begins to lead: it goes on with them, as after a restart. Each is to be
// reconciled: one that leaves before the controller hears of it would count as this shard's otherwise.
func (s *shard) begin(ctx context.Context, cached client.Reader, wake func(types.NamespacedName)) error {
	if s == nil {
		return nil
	}
	list := &v1alpha1.LivepeerTaskSourceList{}
	if err := cached.List(ctx, list); err != nil {
		return err
	}
	for i := range list.Items {
		s.meet(&list.Items[i])
		wake(client.ObjectKeyFromObject(&list.Items[i]))
	}
	return nil
}

// meet takes in a source of this shard. It reports whether another operator has served it until now: what became of its tasks
// meanwhile is not known here.
func (s *shard) meet(source *v1alpha1.LivepeerTaskSource) (fromAnother bool) {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(source)
	known := s.sources[key] == source.UID
	s.sources[key] = source.UID
	return !known && source.Status.ObservedGeneration != 0
}

// leave notes that a source is not this shard's any more, or gone.
func (s *shard) leave(key types.NamespacedName) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sources, key)
}

// serves reports whether a source is this shard's.
func (s *shard) serves(key types.NamespacedName) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.sources[key]
	return known
}

// ids yields which sources are this shard's.
func (s *shard) ids() iter.Seq[taskstore.SourceID] {
	return func(yield func(taskstore.SourceID) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for key, uid := range s.sources {
			if !yield(taskstore.SourceID{Namespace: key.Namespace, UID: uid}) {
				return
			}
		}
	}
}

// waiting returns what counts the tasks that have something to be sent by this operator.
func (s *settings) waiting(index *taskstore.Index) func() int {
	if s.shard == nil {
		return index.WaitingTasks
	}
	return func() int { return index.WaitingTasksOf(s.shard.ids()) }
}
