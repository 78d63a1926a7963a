// SPDX-License-Identifier: Apache-2.0

package main

import "context"

// measureHistory lists an account of which history keeps a tenth.
func measureHistory(ctx context.Context, r *runner) error {
	a, err := openAccount(r.tasks)
	if err != nil {
		return err
	}
	defer a.close()
	kept := r.tasks / 10
	return r.onStage(ctx, func(s *stage) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		p, err := s.begin(ctx, a)
		if err != nil {
			return err
		}
		if err := s.bed.Plane.Apply(ctx, manifests(namespace, a.url(), r.opts.interval, kept)...); err != nil {
			return err
		}
		if err := s.synced(ctx, kept); err != nil {
			return err
		}
		first, err := p.end(ctx)
		if err != nil {
			return err
		}
		if p, err = s.begin(ctx, a); err != nil {
			return err
		}
		if err := s.resync(ctx); err != nil {
			return err
		}
		c, err := p.end(ctx)
		if err != nil {
			return err
		}
		r.result.add("history.first.writes", float64(first.writes)/float64(kept))
		r.result.add("history.writes", float64(c.writes))
		r.result.add("history.reads", a.read(c.bytes)/float64(kept))
		r.result.add("history.cpu", perThousand(c.usage.operator.Seconds(), kept))
		return nil
	})
}
