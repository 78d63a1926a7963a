// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// followUp takes what the page's Sensor posts.
type followUp struct {
	mu      sync.Mutex
	posted  []post
	refuses int
}

type post struct {
	Task   string
	Status struct{ Phase string }
}

func (f *followUp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuses > 0 {
		f.refuses--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var got post
	if r.Method != http.MethodPost || r.URL.Path != "/completed" || r.Header.Get("Content-Type") != "application/json" ||
		json.NewDecoder(r.Body).Decode(&got) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.posted = append(f.posted, got)
}

// refuse makes it answer 503 to the next n.
func (f *followUp) refuse(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuses = n
}

func (f *followUp) refused() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refuses
}

func (f *followUp) posts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.posted)
}

// phases are those that were posted of a task.
func (f *followUp) phases(task string) (phases []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, got := range f.posted {
		if got.Task == task {
			phases = append(phases, got.Status.Phase)
		}
	}
	return phases
}

// refuser takes nothing, and remembers it.
type refuser struct {
	mu     sync.Mutex
	bodies []string
}

func (r *refuser) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, string(body))
	w.WriteHeader(http.StatusServiceUnavailable)
}

// posts are those about a task.
func (r *refuser) posts(task string) (bodies []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, body := range r.bodies {
		if strings.Contains(body, `"task":"`+task+`"`) {
			bodies = append(bodies, body)
		}
	}
	return bodies
}
