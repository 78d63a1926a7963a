// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const (
	// At most so many sources, of so many tasks each: 100 with 10,000 tasks, 1,000 with 100,000.
	mostSources   = 1000
	tasksOfSource = 100
	// sourcePolls is how many polls of each source are looked at.
	sourcePolls = 5
	// settle is how many times that of options.watch Go is given to give back to the system what the first syncs took.
	settle = 5
)

// measureSources mirrors many small accounts at once, and looks at when each is polled.
func measureSources(ctx context.Context, r *runner) error {
	n := min(mostSources, max(2, r.tasks/tasksOfSource))
	accounts := make([]*account, n)
	mux := http.NewServeMux()
	for i := range accounts {
		a, err := openAccount(min(tasksOfSource, r.tasks))
		if err != nil {
			return err
		}
		a.close()
		accounts[i] = a
		prefix := fmt.Sprintf("/s%d", i)
		mux.Handle(prefix+"/", http.StripPrefix(prefix, a.studio.Server))
	}
	web := httptest.NewServer(mux)
	defer web.Close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		for i := range accounts {
			objects := manifests(fmt.Sprintf("media-%d", i), fmt.Sprintf("%s/s%d/api", web.URL, i), r.opts.interval, 10_000)
			if err := s.bed.Plane.Apply(ctx, objects...); err != nil {
				return err
			}
		}
		if err := s.allSynced(ctx, n); err != nil {
			return err
		}
		if err := wait(ctx, 2*r.opts.interval); err != nil { // they look behind their newest update for a while
			return err
		}
		if err := r.watchPolls(ctx, s, accounts); err != nil {
			return err
		}
		return r.watchMemory(ctx, s)
	})
}

func (r *runner) watchPolls(ctx context.Context, s *stage, accounts []*account) error {
	if err := resetPeak(s.operator.PID()); err != nil {
		return err
	}
	requests, err := s.bed.Plane.Requests(ctx, "livepeertasksources")
	if err != nil {
		return err
	}
	before, err := s.usage()
	if err != nil {
		return err
	}
	for _, a := range accounts {
		a.studio.Server.ResetRequests()
	}
	began := time.Now()
	if err := wait(ctx, sourcePolls*r.opts.interval); err != nil {
		return err
	}
	after, err := s.usage()
	if err != nil {
		return err
	}
	seconds, spent := (sourcePolls * r.opts.interval).Seconds(), after.since(before)
	r.result.add("sources.count", float64(len(accounts)))
	r.result.add("sources.cores", spent.operator.Seconds()/seconds)
	r.result.add("sources.server", (spent.apiServer+spent.etcd).Seconds()/seconds)
	r.notePolls(accounts, began)
	peak, err := peakMemory(s.operator.PID())
	if err != nil {
		return err
	}
	r.result.add("sources.peak", peak)
	then, err := s.bed.Plane.Requests(ctx, "livepeertasksources")
	if err != nil {
		return err
	}
	writes := controlplane.Writes(then) - controlplane.Writes(requests)
	r.result.add("sources.writes", float64(writes)/float64(len(accounts))/seconds*60)
	return nil
}

// watchMemory says what is taken some time after the first syncs.
func (r *runner) watchMemory(ctx context.Context, s *stage) error {
	if err := wait(ctx, settle*r.opts.watch); err != nil {
		return err
	}
	if err := resetPeak(s.operator.PID()); err != nil {
		return err
	}
	if err := wait(ctx, sourcePolls*r.opts.interval); err != nil {
		return err
	}
	peak, err := peakMemory(s.operator.PID())
	if err != nil {
		return err
	}
	r.result.add("sources.later", peak)
	return nil
}

// notePolls says how late polls were since then, and how evenly they were spread over the interval. A source that keeps
// silent, at the beginning or at the end, is late as well.
func (r *runner) notePolls(accounts []*account, began time.Time) {
	const slots = 10
	interval := r.opts.interval
	ended := began.Add(sourcePolls * interval)
	var busy [slots]float64
	polls, late := 0, time.Duration(0)
	for _, a := range accounts {
		last := began
		for _, request := range a.studio.Server.Requests() {
			if request.Time.After(ended) {
				break
			}
			polls++
			busy[request.Time.UnixNano()%int64(interval)*slots/int64(interval)]++
			late = max(late, request.Time.Sub(last)-interval)
			last = request.Time
		}
		late = max(late, ended.Sub(last)-interval)
	}
	most := 0.0
	for _, n := range busy {
		most = math.Max(most, n)
	}
	r.result.add("sources.late", 100*late.Seconds()/interval.Seconds())
	r.result.add("sources.requests", float64(polls)/float64(len(accounts)*sourcePolls))
	r.result.add("sources.spread", most/(float64(polls)/slots))
}

// allSynced waits until every source is mirrored.
func (s *stage) allSynced(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return every(ctx, time.Second, func() (bool, error) {
		list := &v1alpha1.LivepeerTaskSourceList{}
		if err := s.bed.Admin.List(ctx, list, &client.ListOptions{}); err != nil {
			return false, err
		}
		ready := 0
		for i := range list.Items {
			if isReady(&list.Items[i]) {
				ready++
			}
		}
		return ready == n, nil
	})
}
