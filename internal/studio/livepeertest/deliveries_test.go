// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

func TestFailedDeliveriesAreTriedAgain(t *testing.T) {
	r := startReceiver(t)
	r.fail = func(n int, w http.ResponseWriter) {
		switch n {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			reset(w)
		case 2:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.WriteHeader(http.StatusBadRequest) // final
		}
	}
	s := hooked(t, Webhook{URL: r.url, Secret: "s", Speed: 1000})
	s.Put(Task{"id": "a", "status": obj{"updatedAt": 7}})
	waitFor(t, func() bool { return len(s.Deliveries()) == 4 })
	s.Put(Task{"id": "b"}) // refused at once
	waitFor(t, func() bool { return len(s.Deliveries()) == 5 })
	// Whatever was tried again would be before this one.
	s.FaultDeliveries(EachDelivery(DeliveryFault{Delay: 200 * time.Millisecond}))
	s.Put(Task{"id": "c"})
	waitFor(t, func() bool {
		return slices.ContainsFunc(s.Deliveries(), func(d Delivery) bool { return d.Task == "c" })
	})
	got, told := r.all(), s.Deliveries()
	for i, want := range []int{503, 0, 500, 400} {
		d := told[i]
		if d.Status != want || (d.Err != nil) != (want == 0) || d.Attempt != i+1 || d.ID != got[0].ID || got[i].ID != got[0].ID ||
			d.Task != "a" || d.Event != TaskSpawned || d.Sent.UnixMilli() != got[i].Timestamp || d.Updated.UnixMilli() != 7 || d.URL != r.url {
			t.Errorf("attempt %d: %+v", i+1, d)
		}
		if i > 0 && (got[i].Timestamp <= got[i-1].Timestamp ||
			got[i].header.Get("Livepeer-Signature") == got[i-1].header.Get("Livepeer-Signature")) {
			t.Errorf("attempt %d is signed as the one before", i+1)
		}
	}
	if len(told) != 6 {
		t.Errorf("%d attempts: a refusal is final", len(told))
	}
	if d := told[4]; d.Task != "b" || d.Attempt != 1 || d.Status != 400 {
		t.Errorf("refused: %+v", d)
	}
}

func TestPauses(t *testing.T) {
	p := parcel{hook: &hook{Webhook: Webhook{Speed: 2}}}
	for attempt, want := range map[int]time.Duration{
		1: 2500 * time.Millisecond, 2: 5 * time.Second, 3: 10 * time.Second, 10: 1280 * time.Second, 11: 30 * time.Minute, 99: 30 * time.Minute,
	} {
		if p.attempt = attempt; p.pause() != want {
			t.Errorf("after attempt %d: %s, want %s", attempt, p.pause(), want)
		}
	}
}

// Events of one task come one after the other, whatever the others do, and never too many at once.
func TestDeliveriesAreInOrderForEachTask(t *testing.T) {
	var now, most atomic.Int64
	r := startReceiver(t)
	r.fail = func(n int, w http.ResponseWriter) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		wait(t.Context(), time.Duration(n%7)*time.Millisecond)
		now.Add(-1)
		w.WriteHeader(http.StatusAccepted)
	}
	s := hooked(t, Webhook{URL: r.url})
	const tasks, changes = 40, 5
	for i := range changes {
		for n := range tasks {
			s.Put(Task{"id": strconv.Itoa(n), "status": obj{"updatedAt": i + 1}})
		}
	}
	last := map[string]int64{}
	for _, m := range r.await(t, tasks*changes) {
		if m.CreatedAt != last[m.Payload.Task.ID]+1 {
			t.Fatalf("task %s: %d after %d", m.Payload.Task.ID, m.CreatedAt, last[m.Payload.Task.ID])
		}
		last[m.Payload.Task.ID] = m.CreatedAt
	}
	if most.Load() < 2 || most.Load() > maxUnderWay {
		t.Errorf("%d at once", most.Load())
	}
}

// hanging is a receiver that never answers.
func hanging(t *testing.T) (url string, arrived chan struct{}) {
	t.Helper()
	arrived = make(chan struct{}, 100)
	release := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	t.Cleanup(func() { close(release); web.Close() })
	return web.URL, arrived
}

func TestDeliveriesTimeOut(t *testing.T) {
	url, arrived := hanging(t)
	s := hooked(t, Webhook{URL: url, Speed: 1000})
	if s.sender.hooks[0].timeout != 30*time.Second {
		t.Errorf("time-out %s", s.sender.hooks[0].timeout)
	}
	s.sender.hooks[0].timeout = 100 * time.Millisecond
	s.Put(Task{"id": "a"})
	<-arrived
	<-arrived // and was tried again
	if d := s.Deliveries()[0]; d.Status != 0 || d.Err == nil || d.Took < 100*time.Millisecond {
		t.Errorf("%+v", d)
	}
}

func TestCloseEndsDeliveries(t *testing.T) {
	url, arrived := hanging(t)
	s := NewServer()
	s.AddWebhook(Webhook{URL: url})
	s.AddWebhook(Webhook{URL: "http://127.0.0.1:1"}) // nobody is there: waits to try again
	s.Put(Task{"id": "a"})
	<-arrived
	waitFor(t, func() bool { return len(s.Deliveries()) > 0 })
	s.Close()
	s.Close()              // twice is no harm
	s.Put(Task{"id": "b"}) // told to nobody
	if n := len(s.Deliveries()); n != 2 {
		t.Errorf("%d deliveries", n)
	}
	if w := do(t, s, "/api/task/b"); w.Code != http.StatusOK {
		t.Errorf("it no longer answers: %d", w.Code)
	}
}

func TestFaultyDeliveries(t *testing.T) {
	r := startReceiver(t)
	s := hooked(t, Webhook{URL: r.url})
	s.FaultDeliveries(EachDelivery(DeliveryFault{Drop: true}))
	s.Put(Task{"id": "dropped"})

	s.FaultDeliveries(EachDelivery(DeliveryFault{Twice: true}))
	s.Put(Task{"id": "twice"})
	if got := r.await(t, 2); got[0].ID != got[1].ID {
		t.Error("the second has another id")
	}
	waitFor(t, func() bool { return len(s.Deliveries()) == 2 })

	s.FaultDeliveries(EachDelivery(DeliveryFault{Reverse: time.Second}))
	for i := range 3 {
		s.Put(Task{"id": "reversed", "status": obj{"phase": fmt.Sprint(i)}}, Task{"id": fmt.Sprint(i)})
	}
	waitFor(t, func() bool { return len(s.Deliveries()) == 8 })
	s.FaultDeliveries(func(d Delivery) DeliveryFault {
		if d.Task == "late" && d.Event == TaskSpawned {
			return DeliveryFault{Delay: time.Second}
		}
		return DeliveryFault{}
	})
	s.Put(Task{"id": "late"})
	enter(s, "late", "running", 1)
	waitFor(t, func() bool { return len(s.Deliveries()) == 10 })
	want := []string{
		"twice spawned", "twice spawned", "2 spawned", "reversed updated", "1 spawned", "reversed updated", "0 spawned", "reversed spawned",
		"late updated", "late spawned",
	}
	if got := r.events(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	s.FaultDeliveries(nil)
	s.Put(Task{"id": "well"})
	r.await(t, 11)
}
