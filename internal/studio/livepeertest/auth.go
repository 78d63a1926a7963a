// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Requests that a restricted key can be allowed.
const (
	MayList = "task"
	MayGet  = "task/:id"
)

// access is what a key opens.
type access struct {
	project    string
	suspended  bool
	restricted bool
	allowed    []string
}

// owns reports whether the list that this key sees holds e.
func (k access) owns(e *entry) bool {
	return e.own() && (e.project == k.project || (e.project == "" && k.project == ProjectID))
}

// own reports whether the task is one of the default user, whose all keys are.
func (e *entry) own() bool { return e.user == "" || e.user == UserID }

// AddKey adds a key for a project of the default user, or gives a known key new rights.
func (s *Server) AddKey(key, project string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = &access{project: project}
}

// RemoveKey revokes a key.
func (s *Server) RemoveKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}

// Suspend makes the server answer a known key that its user is suspended.
func (s *Server) Suspend(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[key]; k != nil {
		k.suspended = true
	}
}

// Restrict limits a known key to some of MayList and MayGet.
func (s *Server) Restrict(key string, allowed ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[key]; k != nil {
		k.restricted, k.allowed = true, allowed
	}
}

var authorization = regexp.MustCompile(`^\s*(\w+)\s+(.+)$`)

// authenticate returns what the request's key opens, or the refusal to answer with.
func (s *Server) authenticate(r *http.Request) (access, *Answer) {
	match := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if match == nil {
		return access{}, errorAnswer(http.StatusUnauthorized, "request is not authenticated")
	}
	if !strings.EqualFold(match[1], "Bearer") {
		return access{}, errorAnswer(http.StatusUnauthorized, "unsupported authorization header scheme: "+match[1])
	}
	token := strings.TrimSpace(match[2])
	s.mu.Lock()
	known := s.keys[token]
	var key access
	if known != nil {
		key = *known
	}
	s.mu.Unlock()
	switch {
	case known == nil:
		// The real server repeats the key, and clients must not pass that on.
		return access{}, errorAnswer(http.StatusUnauthorized, "no token "+token+" found")
	case key.suspended:
		return access{}, errorAnswer(http.StatusForbidden, "user is suspended")
	case r.Header.Get("Origin") != "":
		return access{}, errorAnswer(http.StatusForbidden,
			"credentials do not allow CORS access from origin "+r.Header.Get("Origin"))
	case key.restricted && !slices.Contains(key.allowed, route(r)):
		return access{}, errorAnswer(http.StatusForbidden, "credential has insufficent privileges") //nolint:misspell // theirs
	}
	return key, nil
}

// route names what a request asks for, as a key's rules do.
func route(r *http.Request) string {
	switch {
	case r.Method != http.MethodGet:
		return r.Method
	case IsList(r):
		return MayList
	}
	return MayGet
}

// IsList reports whether a request asks for the list of tasks (not for one task).
func IsList(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.TrimSuffix(r.URL.Path, "/") == "/api/task"
}
