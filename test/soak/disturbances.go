// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"
)

// killFirstSync lets the first source start from nothing, and kills the operator again and again until it is through.
func (w *world) killFirstSync(ctx context.Context) error {
	s, r := w.sites[0], w.replicas[0]
	r.stop()
	if err := w.wipe(ctx, s); err != nil {
		return err
	}
	if err := w.createSource(ctx, s); err != nil {
		return err
	}
	r.start(false)
	for range w.opts.kills {
		// Once so many more tasks are there.
		goal := w.witness.count(s.namespace) + 1 + w.rand.IntN(max(1, s.studio.size/w.opts.kills))
		w.await(ctx, func() bool { return w.witness.count(s.namespace) >= goal })
		w.await(ctx, r.kill)
	}
	return ctx.Err()
}

// killSteady kills the operator at random moments.
func (w *world) killSteady(ctx context.Context) error {
	for range w.opts.kills {
		if !pause(ctx, between(w.rand, 100*time.Millisecond, 3*time.Second)) {
			return ctx.Err()
		}
		w.await(ctx, w.replicas[0].kill)
	}
	return nil
}

func (w *world) waitSome(ctx context.Context) error {
	pause(ctx, between(w.rand, 8*time.Second, 15*time.Second))
	return ctx.Err()
}

// recreateSource deletes the first source and creates it again. The new one takes the tasks over, or a garbage collector
// deletes them at the same time.
func (w *world) recreateSource(ctx context.Context) error {
	pause(ctx, between(w.rand, time.Second, 4*time.Second))
	if err := w.deleteSource(ctx, w.sites[0]); err != nil {
		return err
	}
	pause(ctx, between(w.rand, time.Millisecond, 2*time.Second))
	if err := w.createSource(ctx, w.sites[0]); err != nil {
		return err
	}
	if w.rand.IntN(2) == 0 {
		if err := w.collect(ctx, w.sites[0], true); err != nil {
			return err
		}
	}
	pause(ctx, between(w.rand, time.Second, 4*time.Second))
	return ctx.Err()
}

func (w *world) restartAPIServer(ctx context.Context) error {
	pause(ctx, between(w.rand, time.Second, 3*time.Second))
	w.troubled()
	err := w.bed.Plane.RestartAPIServer(ctx, w.certificates(), between(w.rand, time.Millisecond, 4*time.Second))
	w.troubled()
	if err != nil {
		return err
	}
	w.report.add(restarts, 1)
	pause(ctx, between(w.rand, time.Second, 3*time.Second))
	return ctx.Err()
}

// killLeader kills the replica that works, and waits until one takes over.
func (w *world) killLeader(ctx context.Context) error {
	leader, err := w.leader(ctx, "")
	if err != nil {
		return err
	}
	pause(ctx, between(w.rand, 500*time.Millisecond, 3*time.Second))
	before := leader.run()
	w.await(ctx, leader.kill)
	_, err = w.leader(ctx, before)
	return err
}

// cutLeases takes the lease away from the leader, which could still write, and waits until the other one works.
func (w *world) cutLeases(ctx context.Context) error { return w.depose(ctx, withoutLeases) }

// isolateLeader takes the whole API server away from the leader.
func (w *world) isolateLeader(ctx context.Context) error { return w.depose(ctx, isolated) }

func (w *world) depose(ctx context.Context, what partition) error {
	leader, err := w.leader(ctx, "")
	if err != nil {
		return err
	}
	pause(ctx, between(w.rand, 500*time.Millisecond, 3*time.Second))
	w.troubled()
	before := leader.run()
	leader.proxy.reach(what)
	_, err = w.leader(ctx, before)
	// Both could write now, if the old leader had not noticed.
	pause(ctx, between(w.rand, 3*time.Second, 6*time.Second))
	leader.proxy.reach(connected)
	w.troubled()
	return err
}

// await waits until something came true, for a while: faults may keep it from happening.
func (w *world) await(ctx context.Context, came func() bool) {
	_ = until(ctx, 30*time.Second, func(context.Context) error {
		if came() {
			return nil
		}
		return errNotYet
	})
}
