// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a new Server starts with: one key, of one user, for one project. Tasks without a projectId belong to this
// project, tasks without a userId to this user.
const (
	APIKey    = "simulated-studio-api-key"
	UserID    = "5a1e57ed-0000-4000-8000-00000000c0de"
	ProjectID = "5a1e57ed-0000-4000-8000-0000000000aa"
)

// nodeMaxURL is about where the real server's HTTP parser gives up.
const nodeMaxURL = 16 << 10

// Server is a simulated Studio. Its methods are safe for concurrent use.
type Server struct {
	clock    func() time.Time
	realRows bool
	store    store
	sender   *sender

	mu       sync.Mutex
	keys     map[string]*access
	faults   func(*http.Request) Fault
	requests []Request
}

// Option changes a new Server.
type Option func(*Server)

// WithRealRows makes the server stumble over the rows that the real one does, as over those that were given to Poison.
func WithRealRows() Option {
	return func(s *Server) { s.realRows = true }
}

// WithCollation makes the database order ids in this way, as one does that orders by the rules of a language. By default, it orders
// by bytes.
func WithCollation(collate func(a, b string) int) Option {
	return func(s *Server) { s.store.now.collate = collate }
}

// WithClock makes the server take the time from clock: that of its tasks, of its answers, and of what it sends.
func WithClock(clock func() time.Time) Option {
	return func(s *Server) { s.clock = clock }
}

// NewServer returns a server without tasks that knows APIKey.
func NewServer(opts ...Option) *Server {
	s := &Server{clock: time.Now, store: store{now: newSnapshot()}, keys: map[string]*access{APIKey: {project: ProjectID}}}
	for _, opt := range opts {
		opt(s)
	}
	s.sender = newSender(s.clock)
	s.store.now.changed = func(old, changed *entry) {
		if s.store.replica != nil {
			s.store.replica.coming = append(s.store.replica.coming, step{at: s.clock(), old: old, changed: changed})
		}
		s.sender.tell(old, changed)
	}
	return s
}

// ServeHTTP answers one request, with the fault that is switched on for it, and records it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	faults := s.faults
	s.mu.Unlock()
	var fault Fault
	if faults != nil {
		fault = faults(r)
	}
	if !wait(r.Context(), fault.Delay) {
		s.record(r, 0, 0)
		return
	}
	a := s.answer(r, fault)
	a.Header.Set("Date", s.clock().UTC().Format(http.TimeFormat))
	if fault.Edit != nil {
		fault.Edit(r, a)
	}
	a.revalidate(r)
	s.record(r, a.Status, len(a.Body)) // before the client can know the answer, so that it finds its request recorded
	fault.write(w, r, a)
}

// answer is what the server says, before any editing of the answer.
func (s *Server) answer(r *http.Request, fault Fault) *Answer {
	if len(r.RequestURI) > nodeMaxURL {
		return &Answer{Status: http.StatusRequestHeaderFieldsTooLarge, Header: http.Header{"Connection": {"close"}}}
	}
	key, refusal := s.authenticate(r)
	if refusal != nil {
		return refusal
	}
	rest, ok := strings.CutPrefix(strings.TrimSuffix(r.URL.EscapedPath(), "/"), "/api/task")
	id, err := url.PathUnescape(strings.TrimPrefix(rest, "/"))
	retry := r.Method == http.MethodPost && strings.HasSuffix(id, "/retry")
	switch {
	case !ok || err != nil || (rest != "" && rest[0] != '/') || (r.Method != http.MethodGet && !retry):
		return errorAnswer(http.StatusNotFound, "not found")
	case retry:
		return s.retry(strings.TrimSuffix(id, "/retry"))
	}
	read := s.read
	if fault.From != nil {
		read = func(f func(*Snapshot)) { f(fault.From) }
	}
	if id == "" {
		return s.list(r, read, key, fault)
	}
	return s.get(read, id)
}

func (s *Server) list(r *http.Request, read func(func(*Snapshot)), key access, fault Fault) *Answer {
	values := r.URL.Query()
	if fault.Query != nil {
		fault.Query(values)
	}
	q, err := parseQuery(values)
	switch {
	case err != nil:
		return errorAnswer(http.StatusBadRequest, err.Error())
	case q.broken:
		return errorAnswer(http.StatusInternalServerError, "Internal server error: error")
	}
	var p page
	unsortable := false
	read(func(state *Snapshot) {
		p, unsortable = state.find(&q, key.owns, fault.Unlimited), state.unsortable(&q, key.owns)
	})
	if unsortable {
		return errorAnswer(http.StatusInternalServerError, "Internal server error: error")
	}
	if len(p.entries) == 0 {
		return jsonAnswer(http.StatusOK, []byte("[]"))
	}
	cursor := "undefined"
	if len(p.entries) == q.limit {
		cursor = "skip" + strconv.Itoa(q.skip+q.limit)
	}
	a := jsonAnswer(http.StatusOK, listBody(p.entries))
	if slices.ContainsFunc(p.entries, s.stumbles) {
		a = poisonAnswer()
	}
	a.Header.Set("Link", nextLink(r.Host, r.URL, cursor))
	if q.count {
		a.Header.Set("X-Total-Count", strconv.Itoa(p.total))
	}
	return a
}

// stumbles reports whether the server can't read a row.
func (s *Server) stumbles(e *entry) bool { return e.poison || s.realRows && e.malformed }

func listBody(entries []*entry) []byte {
	size := 2
	for _, e := range entries {
		size += len(e.raw) + 1
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	b.WriteByte('[')
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e.raw)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// get answers one task, deleted or not, of any project of the user: the real server does not look at the key's project
// here.
func (s *Server) get(read func(func(*Snapshot)), id string) *Answer {
	var e *entry
	read(func(state *Snapshot) { e = state.rows[id] })
	switch {
	case e == nil:
		return errorAnswer(http.StatusNotFound, "not found")
	case !e.own():
		return errorAnswer(http.StatusForbidden, "user can only request information on their own tasks")
	case s.stumbles(e):
		return poisonAnswer()
	}
	return jsonAnswer(http.StatusOK, e.raw)
}

// retry is what the owner of a failed or cancelled task asks for.
func (s *Server) retry(id string) *Answer {
	retryable := false
	found := s.Update(id, func(t Task) {
		status := object(t, "status")
		if retryable = status["phase"] == "failed" || status["phase"] == "cancelled"; retryable {
			requeue(t, s.clock(), 0, status["errorMessage"])
		}
	})
	switch {
	case !found:
		return errorAnswer(http.StatusNotFound, "task not found")
	case !retryable:
		return errorAnswer(http.StatusBadRequest, "task is not in a retryable state")
	}
	body, err := appendJSON(nil, id)
	if err != nil {
		return errorAnswer(http.StatusInternalServerError, "Internal server error: error")
	}
	return jsonAnswer(http.StatusOK, []byte(`{"id":`+string(body)+`}`))
}
