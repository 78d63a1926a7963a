// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// restPolls is how many polls are looked at while nothing happens.
const restPolls = 3

// roomy is a history that keeps every task, and those that come.
func roomy(tasks int) int { return 2*tasks + 10_000 }

// phase is what one phase cost, until now.
type phase struct {
	stage    *stage
	account  *account
	began    time.Time
	usage    usage
	requests map[string]int
	polls    int
	bytes    int
}

// begin starts a phase: with counts of its own, and a peak of its own.
func (s *stage) begin(ctx context.Context, a *account) (*phase, error) {
	p := &phase{stage: s, account: a}
	var err error
	if p.requests, err = s.requests(ctx); err != nil {
		return nil, err
	}
	if s.operator != nil {
		if err := resetPeak(s.operator.PID()); err != nil {
			return nil, err
		}
	}
	p.polls, p.bytes = a.traffic()
	p.usage, err = s.usage()
	p.began = time.Now()
	return p, err
}

// cost is what a phase cost in all.
type cost struct {
	took     time.Duration
	usage    usage
	requests map[string]int
	writes   int
	polls    int
	bytes    int
	peak     float64
}

func (p *phase) end(ctx context.Context) (c cost, err error) {
	c.took = time.Since(p.began)
	now, err := p.stage.usage()
	if err != nil {
		return c, err
	}
	c.usage = now.since(p.usage)
	if c.peak, err = peakMemory(p.stage.operator.PID()); err != nil {
		return c, err
	}
	polls, bytes := p.account.traffic()
	c.polls, c.bytes = polls-p.polls, bytes-p.bytes
	if c.requests, err = p.stage.requests(ctx); err != nil {
		return c, err
	}
	for verb, n := range p.requests {
		c.requests[verb] -= n
	}
	c.writes = controlplane.Writes(c.requests)
	return c, nil
}

// measureOperator follows one source through its life: first mirror, full sync, rest, changes, restart.
func measureOperator(ctx context.Context, r *runner) error {
	a, err := openAccount(r.tasks)
	if err != nil {
		return err
	}
	defer a.close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.warm(ctx, r); err != nil {
			return err
		}
		if err := s.start(ctx); err != nil {
			return err
		}
		for _, measure := range []func(context.Context, *runner, *stage, *account) error{
			measureFirst, measureFull, measureRest, measureChange, measureRestart,
		} {
			if err := measure(ctx, r, s, a); err != nil {
				return err
			}
		}
		r.pair()
		return nil
	})
}

func measureFirst(ctx context.Context, r *runner, s *stage, a *account) error {
	p, err := s.begin(ctx, a)
	if err != nil {
		return err
	}
	if err := s.bed.Plane.Apply(ctx, manifests(namespace, a.url(), r.opts.interval, roomy(r.tasks))...); err != nil {
		return err
	}
	if err := s.synced(ctx, r.tasks); err != nil {
		return err
	}
	c, err := p.end(ctx)
	if err != nil {
		return err
	}
	r.first = pace{rate: float64(r.tasks) / c.took.Seconds(), cpu: perThousand(c.usage.total().Seconds(), r.tasks)}
	r.result.add("first.rate", r.first.rate)
	r.result.add("first.seconds", c.took.Seconds())
	r.note("first", &c, r.tasks)
	r.result.add("first.creates", float64(c.requests["POST"]))
	r.result.add("first.statuses", float64(c.requests["PUT"]))
	r.result.add("first.others", float64(c.writes-c.requests["POST"]-c.requests["PUT"]))
	r.result.add("first.reads", a.read(c.bytes)/float64(r.tasks))
	return nil
}

// note records what a phase cost for each 1,000 tasks, and its peak.
func (r *runner) note(phase string, c *cost, tasks int) {
	r.result.add(phase+".cpu", perThousand(c.usage.operator.Seconds(), tasks))
	r.result.add(phase+".server", perThousand((c.usage.apiServer+c.usage.etcd).Seconds(), tasks))
	r.result.add(phase+".studio", perThousand(c.usage.bench.Seconds(), tasks))
	r.result.add(phase+".peak", c.peak)
}

func measureFull(ctx context.Context, r *runner, s *stage, a *account) error {
	p, err := s.begin(ctx, a)
	if err != nil {
		return err
	}
	if err := s.resync(ctx); err != nil {
		return err
	}
	c, err := p.end(ctx)
	if err != nil {
		return err
	}
	r.note("full", &c, r.tasks)
	r.result.add("full.seconds", c.took.Seconds())
	r.result.add("full.writes", float64(c.writes))
	r.result.add("full.reads", a.read(c.bytes)/float64(r.tasks))
	return nil
}

// measureRest begins once polls no longer look behind the newest update, as they do for a while after each.
func measureRest(ctx context.Context, r *runner, s *stage, a *account) error {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a.studio.Server.ResetRequests()
	err := every(bounded, 50*time.Millisecond, func() (bool, error) {
		requests := a.studio.Server.Requests()
		return len(requests) > 0 && requests[len(requests)-1].Bytes <= 2 &&
			requests[len(requests)-1].Time.Sub(requests[0].Time) > 12*time.Second, nil
	})
	if err != nil {
		return err
	}
	p, err := s.begin(ctx, a)
	if err != nil {
		return err
	}
	if err := wait(ctx, restPolls*r.opts.interval); err != nil {
		return err
	}
	c, err := p.end(ctx)
	if err != nil {
		return err
	}
	r.result.add("rest.writes", float64(c.writes))
	r.result.add("rest.requests", float64(c.polls)/restPolls)
	r.result.add("rest.bytes", float64(c.bytes)/float64(max(1, c.polls)))
	r.result.add("rest.cores", c.usage.operator.Seconds()/c.took.Seconds())
	r.result.add("rest.memory", c.peak)
	return nil
}

// measureChange counts from the poll that brings the changes: what was waited for it is no speed.
func measureChange(ctx context.Context, r *runner, s *stage, a *account) error {
	n := changes(r.tasks)
	p, err := s.begin(ctx, a)
	if err != nil {
		return err
	}
	a.studio.Server.ResetRequests()
	p.polls, p.bytes = 0, 0
	a.change(n)
	err = s.source(ctx, func(source *v1alpha1.LivepeerTaskSource) bool { return int(source.Status.Tasks.Running) == n })
	if err != nil {
		return err
	}
	ended := time.Now()
	c, err := p.end(ctx)
	if err != nil {
		return err
	}
	for _, request := range a.studio.Server.Requests() {
		if request.Bytes > 2 {
			r.change.rate = float64(n) / ended.Sub(request.Time).Seconds()
			break
		}
	}
	r.change.cpu = perThousand(c.usage.total().Seconds(), n)
	r.result.add("change.rate", r.change.rate)
	r.note("change", &c, n)
	r.result.add("change.writes", float64(c.writes)/float64(n))
	r.result.add("change.reads", a.read(c.bytes)/float64(n))
	return nil
}
