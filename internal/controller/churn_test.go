// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	churnEvery = 100 * time.Millisecond
	maxChurned = 40 // new tasks
)

// churn changes and creates tasks in Studio all the time, until the returned function is called.
func (w *world) churn() (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(churnEvery)
		defer ticker.Stop()
		random := rand.New(rand.NewPCG(1, 2))
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				w.churnOnce(random, n)
			}
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	w.t.Cleanup(stop)
	return stop
}

func (w *world) churnOnce(random *rand.Rand, n int) {
	status := map[string]any{"phase": "running", "progress": random.Float64(), "updatedAt": time.Now().UnixMilli()}
	if n%8 == 0 && n/8 < maxChurned {
		w.studio.Put(livepeertest.Task{
			"id": fmt.Sprintf("churned-%d", n), "type": "upload", "createdAt": status["updatedAt"], "status": status,
		})
		return
	}
	ids := w.studio.IDs()
	w.studio.Update(ids[random.IntN(len(ids))], func(task livepeertest.Task) {
		if task["status"] = status; n%3 == 0 {
			completed(task)
		}
	})
}

// deletions watches the tasks of the namespace. The returned function answers the names of those that were deleted since.
func (w *world) deletions() func() []string {
	w.t.Helper()
	watcher, err := client.NewWithWatch(cluster.Config(), client.Options{Scheme: scheme})
	w.Expect(err).NotTo(HaveOccurred())
	list := &v1alpha1.LivepeerTaskList{}
	w.Expect(watcher.List(w.ctx, list, client.InNamespace(w.namespace))).To(Succeed())
	events, err := watcher.Watch(w.ctx, &v1alpha1.LivepeerTaskList{}, client.InNamespace(w.namespace))
	w.Expect(err).NotTo(HaveOccurred())
	w.t.Cleanup(events.Stop)
	var mu sync.Mutex
	var deleted []string
	go func() {
		for event := range events.ResultChan() {
			task, ok := event.Object.(*v1alpha1.LivepeerTask)
			if ok && event.Type == watch.Deleted {
				mu.Lock()
				deleted = append(deleted, task.Name)
				mu.Unlock()
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, deleted...)
	}
}

// requestsIn counts what Studio is asked within some time.
func (w *world) requestsIn(window time.Duration) int {
	w.t.Helper()
	w.studio.ResetRequests()
	timer := time.NewTimer(window)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.ctx.Done():
	}
	return len(w.studio.Requests())
}

// states tells the phase and the time of the last update of each task in Studio.
func (w *world) states() map[string]string {
	w.t.Helper()
	states := map[string]string{}
	for _, id := range w.studio.IDs() {
		task, _ := w.studio.Get(id)
		status, _ := task["status"].(map[string]any)
		phase, _ := status["phase"].(string)
		states[id] = fmt.Sprint(phase, " ", status["updatedAt"])
	}
	return states
}

// counts returns how many tasks are in Studio, by phase, as a source of all of them does.
func (w *world) counts() v1alpha1.TaskCounts {
	w.t.Helper()
	counts := v1alpha1.TaskCounts{}
	of := map[string]*int32{
		v1alpha1.PhasePending: &counts.Pending, v1alpha1.PhaseWaiting: &counts.Waiting, v1alpha1.PhaseRunning: &counts.Running,
		v1alpha1.PhaseCompleted: &counts.Completed, v1alpha1.PhaseFailed: &counts.Failed, v1alpha1.PhaseCancelled: &counts.Cancelled,
	}
	for _, state := range w.states() {
		phase, _, _ := strings.Cut(state, " ")
		counts.Total++
		if n, known := of[phase]; known {
			*n++
		} else {
			counts.Unknown++
		}
	}
	return counts
}

// mirroredStates tells the same of the mirrored tasks. One that is there twice fails the test.
func (w *world) mirroredStates(which ...client.ListOption) map[string]string {
	w.t.Helper()
	list := &v1alpha1.LivepeerTaskList{}
	w.Expect(w.client.List(w.ctx, list, append(which, client.InNamespace(w.namespace))...)).To(Succeed())
	states := map[string]string{}
	for i := range list.Items {
		task := &list.Items[i]
		w.Expect(states).NotTo(HaveKey(task.Spec.ID), "mirrored twice")
		updated := any(nil)
		if task.Status.UpdatedAt != nil {
			updated = task.Status.UpdatedAt.UnixMilli()
		}
		states[task.Spec.ID] = fmt.Sprint(task.Status.Phase, " ", updated)
	}
	return states
}

// eventuallyEqual waits until the mirror equals Studio.
func (w *world) eventuallyEqual() {
	w.t.Helper()
	w.Eventually(func() map[string]string { return w.mirroredStates() }, soon, tick).Should(Equal(w.states()))
}
