// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// maxRequests bounds what a server that runs for long remembers.
const maxRequests = 10_000

// Request is a request that the server has had. Its key is not kept.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Status int // of the answer; 0 if the client left before there was one
	Bytes  int // length of the answer's body
	Time   time.Time
}

func (s *Server) record(r *http.Request, status, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == maxRequests {
		s.requests = slices.Delete(s.requests, 0, maxRequests/10)
	}
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Status: status, Bytes: bytes, Time: s.clock(),
	})
}

// Requests returns the requests answered since the start or the last ResetRequests, oldest first, at most the last
// 9,000 or so.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ResetRequests forgets the recorded requests.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}
