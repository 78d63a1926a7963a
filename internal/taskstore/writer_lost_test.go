// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// TestNoTwinAfterALostAnswer: where a task was created and the answer got lost, it is not created once more under another of its names:
// neither where its first name was taken then and is free now, nor the other way round.
func TestNoTwinAfterALostAnswer(t *testing.T) {
	scope := plan.Scope{Namespace: "media", Source: "main", SourceUID: "uid-of-main"}
	observation := &mirror.Observation{
		ID: "a", Spec: v1alpha1.LivepeerTaskSpec{ID: "a"}, Status: v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseRunning},
	}
	first := mirror.Names("a")[0]
	foreign := kubetest.ATask(first, "other", 10, func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "A" })
	for name, takenAtFirst := range map[string]bool{"first name taken, then free": true, "first name free, then taken": false} {
		g := NewWithT(t)
		api := &kubetest.API{
			Tasks: map[string]*v1alpha1.LivepeerTask{}, Version: 100, Writing: func(_, _ *v1alpha1.LivepeerTask) {}, Lose: 1,
		}
		index := NewIndex()
		writer := NewWriter(kubetest.Storage{Client: api}, api, index)
		mirrors := func() error {
			planned := plan.Plan(scope, []*mirror.Observation{observation}, index.Lookup("media"))
			_, err := writer.Apply(t.Context(), scope, planned.Actions)
			return err
		}
		take := func(taken bool) {
			forget(index, foreign)
			if taken {
				index.See(foreign)
			}
		}
		take(takenAtFirst)
		if takenAtFirst {
			api.Tasks[first] = foreign
		}
		g.Expect(mirrors()).NotTo(Succeed(), name)
		if takenAtFirst {
			delete(api.Tasks, first)
		}
		take(!takenAtFirst)
		api.Lose = 0
		g.Expect(mirrors()).To(Succeed(), name)
		g.Expect(api.Tasks).To(HaveLen(1), name)
		for _, task := range api.Tasks {
			g.Expect(task.Status.Phase).To(Equal(v1alpha1.PhaseRunning), name)
		}
		g.Expect(mirrors()).To(Succeed(), name)
		g.Expect(api.Tasks).To(HaveLen(1), name)
	}
}

// reading calls on after the last name of a task was read, before the answer is there.
type reading struct {
	*kubetest.API

	last string
	on   func()
}

func (r *reading) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	err := r.API.Get(ctx, key, obj, opts...)
	if key.Name == r.last {
		r.on()
	}
	return err
}

// TestTwoWritesCreateATaskOnce: two writes that create a task, as a full sync and an answer to a question may, don't do so under two of its
// names: the first one found another task's object under the first name, and the second one doesn't any more.
func TestTwoWritesCreateATaskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		scope := plan.Scope{Namespace: "media", Source: "main", SourceUID: "uid-of-main"}
		observation := &mirror.Observation{
			ID: "a", Spec: v1alpha1.LivepeerTaskSpec{ID: "a"}, Status: v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseRunning},
		}
		names, index := mirror.Names("a"), NewIndex()
		twin := kubetest.ATask(names[0], "main", 10, func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "A" })
		api := &reading{last: names[len(names)-1], API: &kubetest.API{
			Tasks: map[string]*v1alpha1.LivepeerTask{names[0]: twin}, Version: 100, Writing: func(_, _ *v1alpha1.LivepeerTask) {},
		}}
		index.See(twin)
		writer := NewWriter(kubetest.Storage{Client: api}, api, index)
		mirrors := func() {
			planned := plan.Plan(scope, []*mirror.Observation{observation}, index.Lookup("media"))
			_, err := writer.Apply(t.Context(), scope, planned.Actions)
			g.Expect(err).NotTo(HaveOccurred())
		}
		api.on = sync.OnceFunc(func() {
			api.Mu.Lock()
			delete(api.Tasks, names[0])
			api.Mu.Unlock()
			forget(index, twin)
			go mirrors()
			synctest.Wait() // until it is done, or waits
		})
		mirrors()
		synctest.Wait()
		g.Expect(api.Tasks).To(HaveLen(1))
	})
}

// TestGoneAfterALostAnswer: what is gone from the API goes, though the answer to the last write of it got lost and no watch tells: the
// deletion, which finds another version, lets the index know it.
func TestGoneAfterALostAnswer(t *testing.T) {
	g := NewWithT(t)
	api := &kubetest.API{Tasks: map[string]*v1alpha1.LivepeerTask{}, Writing: func(_, _ *v1alpha1.LivepeerTask) {}}
	index := NewIndex()
	writer := NewWriter(kubetest.Storage{Client: api}, api, index)
	index.See(kubetest.ATask("a", "main", 10))
	api.Tasks["a"] = kubetest.ATask("a", "main", 11, kubetest.InPhase(v1alpha1.PhaseFailed))
	deletes := func() error {
		entry, known := index.Lookup("media")("a")
		g.Expect(known).To(BeTrue())
		return writer.write(t.Context(), plan.Scope{Namespace: "media"}, plan.Action{Verb: plan.Delete, Stored: entry, Because: plan.BecauseDeleted})
	}
	g.Expect(deletes()).To(Succeed())
	g.Expect(api.Tasks).To(HaveLen(1), "it is another than was asked for")
	g.Expect(deletes()).To(Succeed())
	g.Expect(api.Tasks).To(BeEmpty())
	g.Expect(index.Counts(SourceID{Namespace: "media", UID: "uid-of-main"}).Total).To(BeZero())
}
