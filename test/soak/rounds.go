// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

const (
	// A lease lasts 15 seconds, and candidates look every 2.
	takeover = time.Minute
	// recovery is how long everything may take to be well again.
	recovery = 3 * time.Minute
	// settling is how long differences may last after a full sync: what was edited just before it may be healed after it, and on a
	// busy machine a leader may lose its lease at that moment.
	settling   = takeover + 20*time.Second
	mostToTell = 20 // differences of a site
)

// disturbance is the main thing that happens in a round.
type disturbance struct {
	name string
	pair bool // needs two replicas
	run  func(*world, context.Context) error
}

func disturbances() map[string]disturbance {
	all := map[string]disturbance{}
	for _, d := range []disturbance{
		{"kills in the first sync", false, (*world).killFirstSync},
		{"kills in steady change", false, (*world).killSteady},
		{"nothing else", false, (*world).waitSome},
		{"source recreated", false, (*world).recreateSource},
		{"API server restart", false, (*world).restartAPIServer},
		{"leader killed", true, (*world).killLeader},
		{"leases out of reach of the leader", true, (*world).cutLeases},
		{"leader isolated", true, (*world).isolateLeader},
		{"API server restart with two replicas", true, (*world).restartAPIServer},
		{"two replicas", true, (*world).waitSome},
	} {
		all[d.name] = d
	}
	return all
}

// round is what one round does: a disturbance, and what goes wrong meanwhile.
type round struct {
	disturbance string
	api, studio float64 // shares of the requests that go wrong
	people      bool
}

func (r round) String() string {
	s := r.disturbance
	if r.api > 0 {
		s += fmt.Sprintf(", %.0f%% API faults", 100*r.api)
	}
	if r.studio > 0 {
		s += fmt.Sprintf(", %.0f%% Studio faults", 100*r.studio)
	}
	if r.people {
		s += ", people"
	}
	return s
}

// randomRound makes up what else goes wrong in a round.
func randomRound(r *rand.Rand, disturbance string) round {
	round := round{disturbance: disturbance, people: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		round.api = 0.02 + 0.28*r.Float64()
	}
	if r.IntN(2) == 0 {
		round.studio = 0.1 + 0.4*r.Float64()
	}
	return round
}

// play runs one round: disturb, calm, compare.
func (w *world) play(ctx context.Context, r round) error {
	begun := time.Now()
	d, ok := disturbances()[r.disturbance]
	if !ok {
		return fmt.Errorf("there is no disturbance %q", r.disturbance)
	}
	w.rounds++
	w.report.add(rounds, 1)
	if err := w.staff(ctx, d.pair); err != nil {
		return err
	}
	if err := w.disturbed(ctx, r, d); err != nil {
		return err
	}
	calm := time.Now()
	tasks, err := w.recover(ctx)
	if err != nil {
		return err
	}
	w.report.say("round %2d  %-80s %6.1fs, well after %5.1fs, %d tasks compared", w.rounds, r, time.Since(begun).Seconds(),
		time.Since(calm).Seconds(), tasks)
	return nil
}

// disturbed lets a round's disturbance happen while Studio changes and other things go wrong.
func (w *world) disturbed(ctx context.Context, r round, d disturbance) error {
	w.disturb(r.api, r.studio)
	for _, s := range w.sites {
		s.studio.settle(false)
	}
	meddling, end := context.WithCancel(ctx)
	var people sync.WaitGroup
	if r.people {
		seed := w.rand.Uint64()
		people.Go(func() { w.meddle(meddling, rand.New(rand.NewPCG(seed, 4))) })
	}
	err := d.run(w, ctx)
	end()
	people.Wait()
	for _, s := range w.sites {
		s.studio.settle(true)
	}
	w.disturb(0, 0)
	return errors.Join(err, ctx.Err())
}

// disturb sets how many requests go wrong.
func (w *world) disturb(api, studio float64) {
	if api > 0 || w.proxies[0].disturbed() {
		w.troubled()
	}
	for _, p := range w.proxies {
		p.disturb(api)
	}
	for _, s := range w.sites {
		s.studio.disturb(studio)
	}
}

// staff sees to it that one replica works, or two.
func (w *world) staff(ctx context.Context, pair bool) error {
	if w.replicas[0].cancel == nil || w.pair != pair {
		for _, r := range w.replicas {
			r.stop()
		}
		w.pair = pair
		w.ledger.elect(pair)
		w.replicas[0].start(pair)
		if pair {
			w.replicas[1].start(pair)
		}
	}
	if !pair {
		return nil
	}
	_, err := w.leader(ctx, "")
	return err
}

// leader waits until a run other than this one holds the lease, and returns its replica.
func (w *world) leader(ctx context.Context, other string) (*replica, error) {
	var leader *replica
	err := until(ctx, takeover, func(context.Context) error {
		for _, r := range w.replicas {
			if holder := w.ledger.leader(); holder != other && holder == r.run() {
				leader = r
				return nil
			}
		}
		return errors.New("no replica took the lease in time")
	})
	return leader, err
}

// recover waits until all sources say that they have seen everything, and compares.
func (w *world) recover(ctx context.Context) (tasks int, err error) {
	token := fmt.Sprintf("round-%d-%d", w.rounds, w.opts.seed)
	for _, s := range w.sites {
		if err := w.requestSync(ctx, s, token); err != nil {
			return 0, err
		}
	}
	for _, s := range w.sites {
		err := until(ctx, recovery, func(ctx context.Context) error { return w.synced(ctx, s, token) })
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err != nil {
			w.report.wrong(stuck, "%s: %v", s.namespace, err)
		}
		if err := w.collect(ctx, s, false); err != nil {
			return 0, err
		}
		n, err := w.check(ctx, s)
		if err != nil {
			return 0, err
		}
		tasks += n
	}
	return tasks, nil
}

// synced is nil once the source has carried the requested full sync through and is well.
func (w *world) synced(ctx context.Context, s *site, token string) error {
	source := &v1alpha1.LivepeerTaskSource{}
	if err := w.bed.Admin.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: testbed.SourceName}, source); err != nil {
		return err
	}
	ready := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return errors.New("the source says nothing yet")
	case ready.Reason == v1alpha1.ReasonPruningPaused:
		return errors.Join(w.confirm(ctx, source, ready.Message), errNotYet)
	case source.Status.LastHandledReconcileAt != token:
		return fmt.Errorf("the requested sync is not done; the source says %s: %s", ready.Reason, ready.Message)
	case ready.Status != "True" || source.Status.ObservedGeneration != source.Generation:
		return fmt.Errorf("the source says %s: %s", ready.Reason, ready.Message)
	}
	return nil
}

// check compares a site until nothing differs, or for long enough.
func (w *world) check(ctx context.Context, s *site) (tasks int, err error) {
	var differ []string
	first := 0
	settled := until(ctx, settling, func(ctx context.Context) error {
		n, found, err := compareSite(ctx, w.bed.Admin, s)
		if err != nil {
			return err // what the comparison before it has found counts
		}
		if tasks == 0 {
			first = len(found)
		}
		tasks, differ = n, found
		if len(found) > 0 {
			return errors.New("something differs")
		}
		return nil
	})
	if ctx.Err() != nil || settled != nil && len(differ) == 0 {
		return tasks, settled
	}
	w.report.add(compared, tasks)
	w.report.add(lateTasks, max(0, first-len(differ)))
	for i, difference := range differ {
		if i == mostToTell {
			w.report.add(differences, len(differ)-i)
			break
		}
		w.report.wrong(differences, "%s: %s", s.namespace, difference)
	}
	return tasks, nil
}

func (w *world) certificates() string { return w.bed.Private("certificates") }
