// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const (
	// storedSources have all tasks between them.
	storedSources = 50
	// storedEvery is the pause between changes on average, each of which all sources see.
	storedEvery = 2 * time.Second
)

// storedIn is the namespace of a source.
func storedIn(i int) string {
	if i == 0 {
		return namespace
	}
	return fmt.Sprintf("%s-%d", namespace, i)
}

// polled are the times of the requests that each source makes.
type polled struct {
	mu    sync.Mutex
	times [][]time.Time
}

func (p *polled) count(source int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.times[source] = append(p.times[source], time.Now())
		p.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (p *polled) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.times = make([][]time.Time, storedSources)
}

// all reports whether every source has asked since reset.
func (p *polled) all() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, times := range p.times {
		if len(times) == 0 {
			return false
		}
	}
	return true
}

// late is by how much the latest request came later than interval after the one before, or after began.
func (p *polled) late(began, ended time.Time, interval time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	late := time.Duration(0)
	for _, times := range p.times {
		last := began
		for _, at := range append(times, ended) {
			late, last = max(late, at.Sub(last)-interval), at
		}
	}
	return late
}

// measureStored looks at an operator whose sources have more tasks than could be mirrored in reasonable time: those of one source are
// mirrored, and copied in etcd for the others.
func measureStored(ctx context.Context, r *runner) error {
	a, err := openAccount(r.tasks / storedSources)
	if err != nil {
		return err
	}
	defer a.close()
	polls := &polled{}
	polls.reset()
	mux := http.NewServeMux()
	for i := range storedSources {
		prefix := fmt.Sprintf("/s%d", i)
		mux.Handle(prefix+"/", polls.count(i, http.StripPrefix(prefix, a.studio.Server)))
	}
	web := httptest.NewServer(mux)
	defer web.Close()
	source := func(s *stage, name string, i int) error {
		return s.bed.Plane.Apply(ctx, manifests(name, fmt.Sprintf("%s/s%d/api", web.URL, i), r.opts.interval, roomy(r.tasks))...)
	}
	return r.onStage(ctx, func(s *stage) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		if err := source(s, namespace, 0); err != nil {
			return err
		}
		if err := s.synced(ctx, len(a.ids)); err != nil {
			return err
		}
		s.operator.Stop()
		s.operator = nil
		var others []string
		for i := 1; i < storedSources; i++ {
			others = append(others, storedIn(i))
			if err := source(s, storedIn(i), i); err != nil {
				return err
			}
		}
		if err := s.copyTasks(ctx, others); err != nil {
			return err
		}
		for _, measure := range []func(context.Context, *stage, *account, *polled) error{
			r.storedFirst, r.storedRest, r.storedChanges, r.storedRestart,
		} {
			if err := measure(ctx, s, a, polls); err != nil {
				return err
			}
		}
		return nil
	})
}

// storedFirst: sources that never were synced find their tasks in the cluster.
func (r *runner) storedFirst(ctx context.Context, s *stage, a *account, _ *polled) error {
	before, err := s.requests(ctx)
	if err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.allSynced(ctx, storedSources); err != nil {
		return err
	}
	took := time.Since(s.started)
	after, err := s.requests(ctx)
	if err != nil {
		return err
	}
	r.result.add("stored.tasks", float64(len(a.ids)*storedSources))
	r.result.add("stored.first.seconds", took.Seconds())
	r.result.add("stored.first.writes", float64(controlplane.Writes(after)-controlplane.Writes(before)))
	return r.storedMemory(s, "stored.first.peak")
}

func (r *runner) storedMemory(s *stage, name string) error {
	peak, err := peakMemory(s.operator.PID())
	r.result.add(name, peak)
	return err
}

func (r *runner) storedRest(ctx context.Context, s *stage, _ *account, polls *polled) error {
	if err := wait(ctx, 2*r.opts.interval); err != nil { // they look behind their newest update for a while
		return err
	}
	if err := resetPeak(s.operator.PID()); err != nil {
		return err
	}
	before, err := s.usage()
	if err != nil {
		return err
	}
	polls.reset()
	began := time.Now()
	if err := wait(ctx, sourcePolls*r.opts.interval); err != nil {
		return err
	}
	ended := time.Now()
	after, err := s.usage()
	if err != nil {
		return err
	}
	spent := after.since(before)
	r.result.add("stored.rest.cores", spent.operator.Seconds()/ended.Sub(began).Seconds())
	r.result.add("stored.rest.late", 100*polls.late(began, ended, r.opts.interval).Seconds()/r.opts.interval.Seconds())
	return r.storedMemory(s, "stored.rest.memory")
}

func (r *runner) storedChanges(ctx context.Context, s *stage, a *account, _ *polled) error {
	end := time.Now().Add(2 * r.opts.watch)
	w, err := s.traffic(ctx, storedEvery, func(now time.Time) bool { return now.After(end) }, func(i int, at time.Time) string {
		id := a.ids[len(a.ids)-1-i%len(a.ids)]
		a.studio.Server.Put(mark(a.task(id, "running", at)))
		return id
	})
	if err != nil {
		return err
	}
	r.result.add("stored.change.samples", float64(len(w.seen)))
	r.result.add("stored.change.beyond", w.quantile(0.99)-r.opts.interval.Seconds())
	return nil
}

// storedRestart takes the time until every source is polled again.
func (r *runner) storedRestart(ctx context.Context, s *stage, a *account, polls *polled) error {
	var lists time.Duration
	for i := range storedSources {
		list, err := s.list(ctx, storedIn(i))
		if err != nil {
			return err
		}
		lists += list
	}
	poll, err := a.poll(ctx)
	if err != nil {
		return err
	}
	s.operator.Stop()
	s.operator = nil
	polls.reset()
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := every(ctx, 10*time.Millisecond, func() (bool, error) { return polls.all(), nil }); err != nil {
		return err
	}
	took := time.Since(s.started)
	r.result.add("stored.restart.seconds", took.Seconds())
	r.result.add("stored.restart.ratio", took.Seconds()/(lists+poll).Seconds())
	server, err := peakMemory(s.apiServer)
	if err != nil {
		return err
	}
	r.result.add("stored.server.peak", server)
	return r.storedMemory(s, "stored.restart.peak")
}
