// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const (
	// deletionsInterval is the shortest there is: polls come in between as often as they can.
	deletionsInterval = time.Second
	// So many tasks are deleted at once: as many as of the size that is measured, within these.
	fewestDeletions, mostDeletions = 1344, 10_000
	// mostAsked is how many questions about single tasks a source may have under way.
	mostAsked = 8
	// Studio takes so long for an answer.
	quickest, slowest = 30 * time.Millisecond, 50 * time.Millisecond
)

// distant is a Studio far away, which notes what is under way.
type distant struct {
	studio http.Handler

	mu        sync.Mutex
	asking    int // questions about single tasks under way
	most      int
	asked     int
	answering time.Duration // of all of them
	first     time.Time     // when the first of them began
	lists     []time.Time   // when lists were asked for
}

func (d *distant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer d.begin(strings.Contains(r.URL.Path, "/task/"))()
	timer := time.NewTimer(quickest + time.Duration(rand.Int64N(int64(slowest-quickest))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
	d.studio.ServeHTTP(w, r)
}

// begin notes a request, and returns what notes its end.
func (d *distant) begin(question bool) (end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !question {
		d.lists = append(d.lists, time.Now())
		return func() {}
	}
	if d.first.IsZero() {
		d.first = time.Now()
	}
	d.asking++
	d.asked++
	d.most = max(d.most, d.asking)
	began := time.Now()
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asking--
		d.answering += time.Since(began)
	}
}

// measureDeletions deletes many tasks in Studio at once, and fewer than half, so that nobody has to confirm it.
func measureDeletions(ctx context.Context, r *runner) error {
	n := min(max(r.tasks, fewestDeletions), mostDeletions)
	a, err := openAccount(2*n + 100)
	if err != nil {
		return err
	}
	defer a.close()
	far := &distant{studio: a.studio.Server}
	web := httptest.NewServer(far)
	defer web.Close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		if err := s.bed.Plane.Apply(ctx, manifests(namespace, web.URL+"/api", deletionsInterval, roomy(2*n))...); err != nil {
			return err
		}
		if err := s.synced(ctx, len(a.ids)); err != nil {
			return err
		}
		for _, id := range a.ids[:n] {
			a.studio.Server.Purge(id)
		}
		return r.followDeletions(ctx, s, a, far, n)
	})
}

// followDeletions counts from the first question about a single task: the listing before is that of any full sync.
func (r *runner) followDeletions(ctx context.Context, s *stage, a *account, far *distant, n int) error {
	p, err := s.begin(ctx, a)
	if err != nil {
		return err
	}
	if err := s.resync(ctx); err != nil {
		return err
	}
	ended := time.Now()
	err = s.source(ctx, func(source *v1alpha1.LivepeerTaskSource) bool { return int(source.Status.Tasks.Total) == len(a.ids)-n })
	if err != nil {
		return err
	}
	c, err := p.end(ctx)
	if err != nil {
		return err
	}
	far.mu.Lock()
	defer far.mu.Unlock()
	if far.first.IsZero() {
		return errors.New("tasks were deleted, and Studio was not asked for them")
	}
	late, last := time.Duration(0), far.first
	for _, at := range far.lists {
		if at.After(far.first) && at.Before(ended) {
			late = max(late, at.Sub(last)-deletionsInterval)
			last = at
		}
	}
	r.result.add("deletions.count", float64(n))
	r.result.add("deletions.rate", float64(n)/ended.Sub(far.first).Seconds())
	r.result.add("deletions.busy", far.answering.Seconds()/ended.Sub(far.first).Seconds()/mostAsked)
	r.result.add("deletions.most", float64(far.most))
	r.result.add("deletions.requests", float64(far.asked)/float64(n))
	r.result.add("deletions.late", late.Seconds())
	r.note("deletions", &c, n)
	return nil
}
