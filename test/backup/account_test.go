// SPDX-License-Identifier: Apache-2.0

package backup_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// account is a simulated Studio, and a sink for the CloudEvents about its tasks.
type account struct {
	server *livepeertest.Server
	url    string
	sink   string

	mu      sync.Mutex
	refused string // a task whose events are not taken
	events  []event
}

// event is what the sink looks at.
type event struct{ ID, Type, Subject string }

// newAccount has 60 tasks of all kinds, and pending ones with these IDs.
func newAccount(t *testing.T, pending ...string) *account {
	t.Helper()
	a := &account{server: livepeertest.NewServer()}
	a.server.Populate(60, 7)
	for _, id := range pending {
		a.add(id, "pending")
	}
	studio := testbed.StartStudio(a.server, nil)
	t.Cleanup(studio.Stop)
	sink := httptest.NewServer(http.HandlerFunc(a.receive))
	t.Cleanup(sink.Close)
	a.url, a.sink = studio.URL, sink.URL+"/events"
	return a
}

// receive is the sink.
func (a *account) receive(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := event{}
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if got.Subject == a.refused {
		http.Error(w, "not now", http.StatusUnprocessableEntity)
		return
	}
	a.events = append(a.events, got)
}

// refuse makes the sink take no event of this task; none: it takes all.
func (a *account) refuse(task string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = task
}

// told returns the IDs of the events that told that a task has reached a phase, as often as it was told.
func (a *account) told(task, phase string) (ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		if e.Subject == task && e.Type == "org.livepeer.studio.task."+phase {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// different counts IDs that are not the same.
func different(ids []string) int { return len(slices.Compact(slices.Sorted(slices.Values(ids)))) }

// add makes a task, now.
func (a *account) add(id, phase string) {
	now := time.Now().UnixMilli()
	a.server.Put(livepeertest.Task{
		"id": id, "type": "upload", "createdAt": now, "status": map[string]any{"phase": phase, "updatedAt": now},
	})
}

// becomes moves a task to a phase, now.
func (a *account) becomes(id, phase string) {
	a.server.Update(id, func(task livepeertest.Task) {
		task["status"] = map[string]any{"phase": phase, "updatedAt": time.Now().UnixMilli()}
	})
}

// applyTo has a cluster mirror the account, and tell the sink.
func (a *account) applyTo(c *cluster) {
	c.t.Helper()
	c.Expect(c.bed.Plane.Apply(c.ctx, testbed.Account(namespace, map[string]any{"apiKey": livepeertest.APIKey}, map[string]any{
		"url": a.url, "interval": "1s",
		"notify": map[string]any{"cloudEvents": map[string]any{"sink": a.sink}},
	})...)).To(Succeed())
}

// mirroredBy checks that a cluster has an object for each task of Studio, with all of its content, and none besides.
func (a *account) mirroredBy(c *cluster) func(Gomega) {
	return func(g Gomega) {
		stored, ids := c.tasks(g), a.server.IDs()
		g.Expect(stored).To(HaveLen(len(ids)))
		for _, id := range ids {
			g.Expect(stored).To(HaveKey(id))
			task, _ := a.server.Get(id)
			raw, err := json.Marshal(task)
			g.Expect(err).NotTo(HaveOccurred())
			wanted, err := mirror.Convert(raw, redact.New(livepeertest.APIKey))
			g.Expect(err).NotTo(HaveOccurred())
			object := stored[id]
			wanted.Status.ObservedGeneration = object.Generation
			for i := range wanted.Status.Conditions {
				wanted.Status.Conditions[i].ObservedGeneration = object.Generation
			}
			wanted.Status.Notifications = object.Status.Notifications // they are not mirrored
			g.Expect(plain(g, object.Spec)).To(MatchJSON(plain(g, wanted.Spec)), id)
			g.Expect(plain(g, object.Status)).To(MatchJSON(plain(g, wanted.Status)), id)
		}
	}
}

// plain is v as its readers see it.
func plain(g Gomega, v any) []byte {
	raw, err := json.Marshal(v)
	g.Expect(err).NotTo(HaveOccurred())
	return raw
}
