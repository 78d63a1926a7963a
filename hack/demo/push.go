// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"slices"
	"sync"
	"time"

	toolscache "k8s.io/client-go/tools/cache"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// maxSightings bounds what a demonstration that runs for long remembers.
const maxSightings = 10_000

// update is one state of one task.
type update struct {
	task    string
	updated int64 // milliseconds since 1970
}

// sighting is when a watcher saw a state.
type sighting struct {
	update
	at time.Time
}

// pushes remembers when changes were seen. Safe for concurrent use.
type pushes struct {
	mu   sync.Mutex
	seen []sighting
}

func (p *pushes) see(task *v1alpha1.LivepeerTask, at time.Time) {
	if task.Status.UpdatedAt == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == maxSightings {
		p.seen = slices.Delete(p.seen, 0, maxSightings/10)
	}
	p.seen = append(p.seen, sighting{update{task.Spec.ID, task.Status.UpdatedAt.UnixMilli()}, at})
}

// times are how long it took from Studio to the watcher, sorted, for each change whose delivery was accepted before it was
// seen: what a poll had brought already was not pushed.
func (p *pushes) times(deliveries []livepeertest.Delivery) []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[update]time.Time{}
	for _, s := range slices.Backward(p.seen) { // the first sighting of a state remains
		seen[s.update] = s.at
	}
	var times []time.Duration
	for _, d := range deliveries {
		state := update{d.Task, d.Updated.UnixMilli()}
		if at, ok := seen[state]; ok && d.Status == http.StatusAccepted && at.After(d.Sent) {
			times = append(times, at.Sub(d.Sent))
			delete(seen, state) // Studio tells of an end twice
		}
	}
	slices.Sort(times)
	return times
}

// receiverHandler tells, once, where a source receives webhooks.
func receiverHandler(receives func(path string)) toolscache.ResourceEventHandler {
	var once sync.Once
	see := func(object any) {
		if source, ok := object.(*v1alpha1.LivepeerTaskSource); ok && source.Status.Receiver != nil {
			once.Do(func() { receives(source.Status.Receiver.Path) })
		}
	}
	return toolscache.ResourceEventHandlerFuncs{AddFunc: see, UpdateFunc: func(_, object any) { see(object) }}
}

// pushTo registers the webhook in the simulated Studio, as a user does in the real one.
func (s *stage) pushTo(path string) {
	if s.studio != nil {
		s.studio.Server.AddWebhook(livepeertest.Webhook{
			URL: "http://" + s.receiver + path, Secret: s.studio.account.webhookSecret, Speed: studioSpeed,
		})
	}
}
