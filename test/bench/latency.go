// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	// latencyInterval is shorter than the default, for more polls in less time.
	latencyInterval = 2 * time.Second
	// Changes come that often, on average.
	changeEvery = 100 * time.Millisecond
	newEvery    = 300 * time.Millisecond
	// marked is the output asset of the tasks that are waited for, so that a watch can select them.
	marked = "5a1e57ed-0000-4000-8000-0000000000cc"
)

// stopwatch takes the time from a change in Studio to its event on a watch.
type stopwatch struct {
	mu      sync.Mutex
	waiting map[string]time.Time
	seen    []time.Duration
}

func (w *stopwatch) changed(id string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.waiting[id]; !ok { // one that changes again meanwhile has been waited for since the first time
		w.waiting[id] = at
	}
}

func (w *stopwatch) shown(id string, updated int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, ok := w.waiting[id]; ok && updated >= at.UnixMilli() {
		w.seen = append(w.seen, time.Since(at))
		delete(w.waiting, id)
	}
}

func (w *stopwatch) pending() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// quantile of what was seen; 1 is the largest.
func (w *stopwatch) quantile(q float64) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(w.seen))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Seconds()
}

// follow watches the marked tasks until ctx ends. The watch has begun when it returns.
func (s *stage) follow(ctx context.Context, w *stopwatch) (done chan struct{}, err error) {
	open := func() (watch.Interface, error) {
		return s.bed.Admin.Watch(ctx, &v1alpha1.LivepeerTaskList{}, client.InNamespace(namespace),
			client.MatchingFields{"spec.outputAssetId": marked})
	}
	opened, err := open()
	if err != nil {
		return nil, err
	}
	done = make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			for event := range opened.ResultChan() {
				if task, ok := event.Object.(*v1alpha1.LivepeerTask); ok {
					w.shown(task.Spec.ID, shown(task))
				}
			}
			again, err := open()
			if err != nil {
				return // what is still waited for never comes, and that is noticed
			}
			opened = again
		}
	}()
	return done, nil
}

// traffic puts a task into Studio at random times, until stop, and waits until the cluster shows all of them.
func (s *stage) traffic(
	ctx context.Context, pause time.Duration, stop func(time.Time) bool, put func(i int, at time.Time) string,
) (*stopwatch, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w := &stopwatch{waiting: map[string]time.Time{}}
	done, err := s.follow(ctx, w)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := 0; !stop(time.Now()); i++ {
		if err := wait(ctx, time.Duration(2*random.Float64()*float64(pause))); err != nil {
			return nil, err
		}
		at := time.Now()
		w.changed(put(i, at), at)
	}
	err = every(ctx, 20*time.Millisecond, func() (bool, error) { return w.pending() == 0, nil })
	cancel()
	<-done
	return w, err
}

// measureLatency changes single tasks of a mirror at rest.
func measureLatency(ctx context.Context, r *runner) error {
	a, err := openAccount(r.tasks)
	if err != nil {
		return err
	}
	defer a.close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		// These are what will change.
		ids := a.ids[len(a.ids)-min(50, len(a.ids)):]
		for i, id := range ids {
			a.studio.Server.Put(mark(a.task(id, "completed", a.began.Add(-settledFor-time.Duration(i)*time.Second))))
		}
		if err := s.bed.Plane.Apply(ctx, manifests(namespace, a.url(), latencyInterval, roomy(r.tasks))...); err != nil {
			return err
		}
		if err := s.synced(ctx, r.tasks); err != nil {
			return err
		}
		end := time.Now().Add(r.opts.watch)
		w, err := s.traffic(ctx, changeEvery, func(now time.Time) bool { return now.After(end) }, func(i int, at time.Time) string {
			id := ids[i%len(ids)]
			a.studio.Server.Put(mark(a.task(id, "running", at)))
			return id
		})
		if err != nil {
			return err
		}
		r.result.add("latency.samples", float64(len(w.seen)))
		r.result.add("latency.p50", w.quantile(0.5))
		r.result.add("latency.p99", w.quantile(0.99))
		r.result.add("latency.beyond", w.quantile(0.99)-latencyInterval.Seconds())
		return nil
	})
}

func mark(task livepeertest.Task) livepeertest.Task {
	task["outputAssetId"] = marked
	return task
}

// measureBusy lets new tasks come during a first sync.
func measureBusy(ctx context.Context, r *runner) error {
	a, err := openAccount(r.tasks)
	if err != nil {
		return err
	}
	defer a.close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		if err := s.bed.Plane.Apply(ctx, manifests(namespace, a.url(), latencyInterval, roomy(r.tasks))...); err != nil {
			return err
		}
		synced := make(chan error, 1)
		go func() { synced <- s.synced(ctx, r.tasks) }()
		random := rand.New(rand.NewPCG(3, 4))
		w, err := s.traffic(ctx, newEvery, func(time.Time) bool { return len(synced) > 0 }, func(_ int, at time.Time) string {
			id := newID(random)
			a.studio.Server.Put(mark(a.task(id, "running", at)))
			return id
		})
		if err != nil {
			return err
		}
		r.result.add("busy.samples", float64(len(w.seen)))
		r.result.add("busy.p50", w.quantile(0.5))
		r.result.add("busy.p99", w.quantile(0.99))
		r.result.add("busy.intervals", w.quantile(1)/latencyInterval.Seconds())
		return <-synced
	})
}
