// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// subscriber takes CloudEvents in the binary mode, and refuses some.
type subscriber struct {
	mu      sync.Mutex
	events  []received
	refuses int
}

type received struct {
	id, kind, source, subject string
	at                        time.Time
	data                      map[string]any
}

func (s *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event := received{id: r.Header.Get("Ce-Id"), kind: r.Header.Get("Ce-Type"), source: r.Header.Get("Ce-Source"), subject: r.Header.Get("Ce-Subject")}
	var err error
	if event.at, err = time.Parse(time.RFC3339, r.Header.Get("Ce-Time")); err == nil {
		err = json.NewDecoder(r.Body).Decode(&event.data)
	}
	if err != nil || r.Header.Get("Ce-Specversion") != "1.0" || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses > 0 {
		s.refuses--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.events = append(s.events, event)
}

// fail makes it refuse the next n events.
func (s *subscriber) fail(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = n
}

// taken are the events that it took, repeats as well.
func (s *subscriber) taken() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// got is the task and the phase of each.
func (s *subscriber) got() (events []string) {
	for _, event := range s.taken() {
		events = append(events, event.subject+" "+strings.TrimPrefix(event.kind, "org.livepeer.studio.task."))
	}
	return events
}

// ids are the IDs of a task's events.
func (s *subscriber) ids(task string) (ids []string) {
	for _, event := range s.taken() {
		if event.subject == task {
			ids = append(ids, event.id)
		}
	}
	return ids
}
