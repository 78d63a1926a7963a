// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	pushEvents = 1000
	pushEvery  = 20 * time.Millisecond
	// pushInterval is so long that no poll brings what is pushed.
	pushInterval = 10 * time.Minute
)

// measurePush changes single tasks of a mirror at rest, and Studio tells of each by webhook. The time runs from the change,
// so that it holds the sending too.
func measurePush(ctx context.Context, r *runner) error {
	a, err := openAccount(r.tasks)
	if err != nil {
		return err
	}
	defer a.close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		ids := a.ids[len(a.ids)-min(pushEvents, len(a.ids)):]
		for i, id := range ids {
			a.studio.Server.Put(mark(a.task(id, "completed", a.began.Add(-settledFor-time.Duration(i)*time.Second))))
		}
		if err := s.hook(ctx, a, r.tasks); err != nil {
			return err
		}
		p, err := s.begin(ctx, a)
		if err != nil {
			return err
		}
		w, err := s.push(ctx, a, ids)
		if err != nil {
			return err
		}
		c, err := p.end(ctx)
		if err != nil {
			return err
		}
		r.result.add("push.samples", float64(len(w.seen)))
		r.result.add("push.p50", 1000*w.quantile(0.5))
		r.result.add("push.p99", 1000*w.quantile(0.99))
		r.result.add("push.max", 1000*w.quantile(1))
		r.result.add("push.writes", float64(c.writes)/pushEvents)
		r.result.add("push.requests", float64(c.polls)/pushEvents)
		r.note("push", &c, pushEvents)
		return nil
	})
}

// hook mirrors an account, and registers the webhook of its source.
func (s *stage) hook(ctx context.Context, a *account, tasks int) error {
	secret := rand.Text()
	objects := manifests(namespace, a.url(), pushInterval, roomy(tasks))
	for _, object := range objects {
		if data, ok := object.Object["stringData"].(map[string]any); ok {
			data["webhookSecret"] = secret
		}
	}
	if err := s.bed.Plane.Apply(ctx, objects...); err != nil {
		return err
	}
	if err := s.synced(ctx, tasks); err != nil {
		return err
	}
	path := ""
	err := s.source(ctx, func(source *v1alpha1.LivepeerTaskSource) bool {
		if source.Status.Receiver != nil {
			path = source.Status.Receiver.Path
		}
		return path != ""
	})
	if err == nil {
		a.studio.Server.AddWebhook(livepeertest.Webhook{URL: "http://" + s.receiver + path, Secret: secret})
	}
	return err
}

// push changes tasks one at a time, steadily, and waits until the cluster shows all of them.
func (s *stage) push(ctx context.Context, a *account, ids []string) (*stopwatch, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w := &stopwatch{waiting: map[string]time.Time{}}
	done, err := s.follow(ctx, w)
	if err != nil {
		return nil, err
	}
	if err := w.begin(ctx, ids); err != nil {
		return nil, err
	}
	ticker := time.NewTicker(pushEvery)
	defer ticker.Stop()
	for i := range pushEvents {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
		id, at := ids[i%len(ids)], time.Now()
		w.changed(id, at)
		a.studio.Server.Put(mark(a.task(id, "running", at)))
	}
	err = every(ctx, 20*time.Millisecond, func() (bool, error) {
		for _, d := range a.studio.Server.Deliveries() {
			if d.Status != http.StatusAccepted {
				return false, errors.Join(fmt.Errorf("a webhook was answered %d", d.Status), d.Err)
			}
		}
		return w.pending() == 0, nil
	})
	cancel()
	<-done
	return w, err
}

// begin waits until the watch has shown what is there already: it is shown first.
func (w *stopwatch) begin(ctx context.Context, ids []string) error {
	for _, id := range ids {
		w.changed(id, time.UnixMilli(0))
	}
	err := every(ctx, 20*time.Millisecond, func() (bool, error) { return w.pending() == 0, nil })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = nil
	return err
}
