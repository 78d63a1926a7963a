// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// received is what a webhook has got.
type received struct {
	message
	raw    []byte
	header http.Header
}

// receiver is where a webhook leads.
type receiver struct {
	url string

	mu   sync.Mutex
	got  []received
	fail func(n int, w http.ResponseWriter) // what is wrong with the nth answer, from 0; nil: all is well
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	rec := &receiver{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		m := received{raw: raw, header: r.Header}
		if err != nil || json.Unmarshal(raw, &m.message) != nil || r.Method != http.MethodPost {
			t.Errorf("%s %q: %v", r.Method, raw, err)
		}
		rec.mu.Lock()
		n, fail := len(rec.got), rec.fail
		rec.got = append(rec.got, m)
		rec.mu.Unlock()
		if fail != nil {
			fail(n, w)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(web.Close)
	rec.url = web.URL
	return rec
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// events are what was received, as "task event" in the order of arrival.
func (r *receiver) events() []string {
	var events []string
	for _, m := range r.all() {
		events = append(events, m.Payload.Task.ID+" "+strings.TrimPrefix(m.Event, "task."))
	}
	return events
}

func (r *receiver) await(t *testing.T, n int) []received {
	t.Helper()
	waitFor(t, func() bool { return len(r.all()) >= n })
	return r.all()
}

func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	limit, ticker := time.NewTimer(30*time.Second), time.NewTicker(time.Millisecond)
	defer limit.Stop()
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-limit.C:
			t.Fatal("it never came to that")
		}
	}
}

func hooked(t *testing.T, w Webhook) *Server {
	t.Helper()
	s := NewServer()
	s.AddWebhook(w)
	t.Cleanup(s.Close)
	return s
}

func enter(s *Server, id, phase string, at int) {
	s.Update(id, func(t Task) { t["status"] = obj{"phase": phase, "updatedAt": at} })
}

func TestWebhooksTellOfALife(t *testing.T) {
	r := startReceiver(t)
	s := hooked(t, Webhook{URL: r.url, Secret: "shared"})
	s.Put(Task{"id": "a", "type": "clip", "status": obj{"phase": "pending", "updatedAt": 1}, "params": obj{"q": "<&>"}})
	enter(s, "a", "waiting", 2)
	enter(s, "a", "waiting", 2) // nothing changed
	enter(s, "a", "failed", 3)
	do(t, s, "/api/task/a") // reading is no change
	enter(s, "a", "completed", 4)
	s.Poison("a")
	s.Delete("a")
	s.Purge("a")
	s.Put(Task{"id": "theirs", "userId": "another"})
	s.Put(Task{"id": "last"})

	waitFor(t, func() bool { return slices.Contains(r.events(), "last spawned") && len(r.all()) >= 7 })
	events := slices.DeleteFunc(r.events(), func(e string) bool { return e == "last spawned" }) // another task: at any time
	if want := "a spawned, a updated, a updated, a failed, a updated, a completed"; strings.Join(events, ", ") != want {
		t.Fatalf("got  %s\nwant %s", strings.Join(events, ", "), want)
	}
	ids := map[string]bool{}
	for _, m := range r.all() {
		if m.Payload.Task.ID != "a" {
			continue
		}
		ids[m.ID] = true
		ended := m.Event == TaskCompleted || m.Event == TaskFailed
		if ended != (m.Payload.Success != nil) || (ended && *m.Payload.Success != (m.Event == TaskCompleted)) {
			t.Errorf("%s: success %v", m.Event, m.Payload.Success)
		}
		if m.WebhookID == "" || m.Payload.Task.Type != "clip" || m.CreatedAt == 0 || time.Since(time.UnixMilli(m.Timestamp)) > time.Minute {
			t.Errorf("%s", m.raw)
		}
	}
	if len(ids) != 6 {
		t.Errorf("%d different ids", len(ids))
	}
}

// The whole of it, byte for byte where it can be.
func TestWebhookShape(t *testing.T) {
	r := startReceiver(t)
	s := hooked(t, Webhook{URL: r.url, Secret: "shared"})
	s.Put(Task{"id": "a", "type": "clip", "status": obj{"phase": "failed", "updatedAt": 7}, "params": obj{"q": "<&>"}})
	m := r.await(t, 2)[1]
	want := fmt.Sprintf(`{"id":%q,"webhookId":%q,"createdAt":7,"timestamp":%d,"event":"task.failed","payload":{"success":false,`+
		`"task":{"id":"a","type":"clip","snapshot":{"id":"a","type":"clip","params":{"q":"<&>"},"status":{"phase":"failed","updatedAt":7}}}}}`,
		m.ID, m.WebhookID, m.Timestamp)
	if string(m.raw) != want {
		t.Errorf("got  %s\nwant %s", m.raw, want)
	}
	mac := hmac.New(sha256.New, []byte("shared"))
	mac.Write(m.raw)
	signature := fmt.Sprintf("t=%d,v1=%s", m.Timestamp, hex.EncodeToString(mac.Sum(nil)))
	if got := m.header.Get("Livepeer-Signature"); got != signature || m.header.Get("Content-Type") != "application/json" {
		t.Errorf("signature %s, want %s; %s", got, signature, m.header.Get("Content-Type"))
	}
}

func TestWebhooksChooseEventsAndSign(t *testing.T) {
	r, all := startReceiver(t), startReceiver(t)
	s := hooked(t, Webhook{URL: r.url, Events: []string{TaskCompleted}})
	s.AddWebhook(Webhook{URL: all.url})
	s.Put(Task{"id": "a", "status": obj{"phase": "pending"}})
	enter(s, "a", "completed", 1)
	all.await(t, 3)
	if got := r.await(t, 1); len(got) != 1 || got[0].Event != TaskCompleted || got[0].header["Livepeer-Signature"] != nil {
		t.Errorf("%q %v", r.events(), got[0].header)
	}
}

// A Simulator's changes are told too, each task's in their order.
func TestWebhooksTellOfSimulatedLives(t *testing.T) {
	r := startReceiver(t)
	s := NewServer()
	s.Populate(100, 1)
	s.AddWebhook(Webhook{URL: r.url})
	t.Cleanup(s.Close)
	simulator := NewSimulator(s, 1, 1)
	now := time.Now()
	changed := map[string]bool{}
	for range 600 {
		now = now.Add(time.Second)
		for _, c := range simulator.Step(now) {
			if c.What != "deleted" {
				changed[c.ID] = true
			}
		}
	}
	last := map[string]int64{}
	waitFor(t, func() bool {
		clear(last)
		for _, m := range r.all() {
			e, err := decode(m.Payload.Task.Snapshot)
			at := milliseconds(object(e, "status")["updatedAt"])
			if err != nil || at < last[m.Payload.Task.ID] {
				t.Fatalf("%v, or an older state after a newer one: %s", err, m.raw)
			}
			last[m.Payload.Task.ID] = at
		}
		for id := range changed {
			if t, _ := s.Get(id); milliseconds(object(t, "status")["updatedAt"]) != last[id] {
				return false
			}
		}
		return true
	})
	if len(changed) < 10 || len(last) != len(changed) {
		t.Errorf("%d tasks changed, %d were told of", len(changed), len(last))
	}
}
