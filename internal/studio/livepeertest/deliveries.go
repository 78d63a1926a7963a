// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	deliveryTimeout = 30 * time.Second
	firstRetry      = 5 * time.Second // doubled for each further one
	lastRetry       = time.Hour

	// maxUnderWay bounds how many deliveries are under way at once.
	maxUnderWay = 16
	// maxDeliveries bounds what a server that runs for long remembers.
	maxDeliveries = 10_000
)

// Delivery is one attempt to tell of an event.
type Delivery struct {
	ID      string // of the event: each attempt has the same
	URL     string
	Event   string
	Task    string
	Updated time.Time // the task, as the event tells it
	Attempt int       // 1 is the first
	Sent    time.Time
	Took    time.Duration
	Status  int   // of the answer; 0: there was none
	Err     error // why there was none
}

// parcel is what has to be delivered.
type parcel struct {
	hook    *hook
	message message
	attempt int // made so far
}

// sender delivers. Parcels of one queue are sent one after the other, queues side by side.
type sender struct {
	clock  func() time.Time
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	hooks    []*hook
	faults   func(Delivery) DeliveryFault
	queues   map[string][]*parcel
	ready    []string // queues, none of whose parcels is under way, the next first
	underWay int
	held     []*parcel // by a fault
	sent     []Delivery
}

func newSender(clock func() time.Time) *sender {
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: maxUnderWay, IdleConnTimeout: time.Minute}
	return &sender{
		clock: clock, client: &http.Client{Transport: transport}, ctx: ctx, cancel: cancel, queues: map[string][]*parcel{},
	}
}

// Close ends the deliveries, also those that wait to be tried again. The server still answers.
func (s *Server) Close() {
	s.sender.mu.Lock()
	s.sender.closed = true
	s.sender.mu.Unlock()
	s.sender.cancel()
	s.sender.wait.Wait()
	s.sender.client.CloseIdleConnections()
}

// Deliveries returns the attempts that have ended, in the order of their ends, at most the last 9,000 or so.
func (s *Server) Deliveries() []Delivery {
	s.sender.mu.Lock()
	defer s.sender.mu.Unlock()
	return slices.Clone(s.sender.sent)
}

// later runs f with the lock held once that time has passed. The caller holds it too.
func (s *sender) later(d time.Duration, f func()) {
	if s.closed {
		return
	}
	s.wait.Go(func() {
		if wait(s.ctx, d) {
			s.mu.Lock()
			defer s.mu.Unlock()
			f()
		}
	})
}

// queue puts a parcel behind those of its queue, and sends what can be. The caller holds the lock.
func (s *sender) queue(name string, p *parcel) {
	parcels, waiting := s.queues[name]
	s.queues[name] = append(parcels, p)
	if !waiting {
		s.ready = append(s.ready, name)
	}
	s.start()
}

// start sends the first parcels of queues that are ready. The caller holds the lock.
func (s *sender) start() {
	for !s.closed && s.underWay < maxUnderWay && len(s.ready) > 0 {
		name := s.ready[0]
		s.ready = s.ready[1:]
		s.underWay++
		s.wait.Go(func() { s.deliver(name) })
	}
}

// deliver sends the first parcel of a queue.
func (s *sender) deliver(name string) {
	s.mu.Lock()
	p := s.queues[name][0]
	s.mu.Unlock()
	p.attempt++
	d := s.attempt(p)

	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) == maxDeliveries {
		s.sent = slices.Delete(s.sent, 0, maxDeliveries/10)
	}
	s.sent = append(s.sent, d)
	if d.Status == 0 || d.Status >= http.StatusInternalServerError {
		// In a queue of its own: the real server sends later events meanwhile.
		s.later(p.pause(), func() { s.queue(p.message.ID+p.hook.id, p) })
	}
	s.underWay--
	if s.queues[name] = s.queues[name][1:]; len(s.queues[name]) > 0 {
		s.ready = append(s.ready, name)
	} else {
		delete(s.queues, name)
	}
	s.start()
}

// pause is how long to wait after a failed attempt.
func (p *parcel) pause() time.Duration {
	d := firstRetry
	for range p.attempt - 1 {
		d = min(2*d, lastRetry)
	}
	return time.Duration(float64(d) / p.hook.Speed)
}

// about is what is known of a parcel before it is sent.
func (p *parcel) about() Delivery {
	return Delivery{
		ID: p.message.ID, URL: p.hook.URL, Event: p.message.Event, Task: p.message.Payload.Task.ID,
		Updated: time.UnixMilli(p.message.CreatedAt), Attempt: p.attempt,
	}
}

func (s *sender) attempt(p *parcel) Delivery {
	d, began := p.about(), time.Now()
	d.Sent = s.clock()
	ctx, cancel := context.WithTimeout(s.ctx, p.hook.timeout)
	defer cancel()
	d.Status, d.Err = s.post(ctx, p, d.Sent)
	d.Took = time.Since(began)
	return d
}

func (s *sender) post(ctx context.Context, p *parcel, at time.Time) (status int, err error) {
	body, err := p.message.body(at)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.hook.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "livepeer.studio")
	if p.hook.Secret != "" {
		r.Header.Set("Livepeer-Signature", Signature(p.hook.Secret, at, body))
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()               //nolint:errcheck // read to its end
	_, _ = io.Copy(io.Discard, answer.Body) // the status counts, whatever becomes of the rest
	return answer.StatusCode, nil
}
