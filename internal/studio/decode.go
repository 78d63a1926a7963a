// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/livepeer/livepeer-task-operator/internal/scan"
)

var errNoTask = errors.New("it has no id, or is no JSON")

// Task is what the client itself reads of a task.
type Task struct {
	// ID as the API spells it, never empty.
	ID string
	// UpdatedAt is status.updatedAt in milliseconds since 1970, 0 if there is none.
	UpdatedAt int64
	// Project is its projectId, "" if it has none, or one that is too long to be mirrored.
	Project string
	// Deleted: the task is deleted, though the API still shows it.
	Deleted bool
	// Raw is the task's JSON. A listing reuses it: it is valid only until the callback returns.
	Raw []byte
}

const (
	// maxID bounds a usable id, in bytes: it has to fit into a URL.
	maxID = 1024
	// maxProject bounds the id of a project: those of a listing are kept in memory.
	maxProject = 256
)

// parseTask reads a task; false without a usable id. Member names have to match in case, as everywhere else.
func parseTask(raw []byte) (Task, bool) {
	if !json.Valid(raw) {
		return Task{}, false
	}
	t := Task{Raw: raw}
	s := scan.New(raw)
	s.Object(func(key []byte) {
		switch string(key) {
		case "id":
			t.ID = text(s)
		case "projectId":
			if t.Project = text(s); len(t.Project) > maxProject {
				t.Project = ""
			}
		case "deleted":
			t.Deleted = string(s.Raw()) == "true"
		case "status":
			t.UpdatedAt = updatedAt(s)
		default:
			s.Raw()
		}
	})
	return t, !s.Failed() && t.ID != "" && len(t.ID) <= maxID
}

// text consumes a value, and returns it if it is a string.
func text(s *scan.Scanner) string {
	if s.Peek() == '"' {
		return string(s.Text())
	}
	s.Raw()
	return ""
}

// updatedAt consumes a task's status. A task whose status is no object is one without a time, not a bad task.
func updatedAt(s *scan.Scanner) (at int64) {
	if s.Peek() != '{' {
		s.Raw()
		return 0
	}
	s.Object(func(key []byte) {
		if raw := s.Raw(); string(key) == "updatedAt" {
			at = millis(raw)
		}
	})
	return at
}

// millis reads a time in milliseconds, 0 if it is none.
func millis(raw []byte) int64 {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(f > 0 && f < 1<<53) {
		return 0
	}
	return int64(f)
}

// endKey is the key under which a request's context holds the function that cancels it with a cause.
type endKey struct{}

// withEnd returns a context for a request, and the function that cancels it with a cause.
func withEnd(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, end := context.WithCancelCause(ctx)
	return context.WithValue(ctx, endKey{}, end), end
}

// splitter returns a splitter for an answer.
func (c *Client) splitter(resp *http.Response, b *body) *splitter {
	s := newSplitter(b)
	if c.config.Large == nil {
		return s
	}
	ctx := resp.Request.Context()
	end, _ := ctx.Value(endKey{}).(context.CancelCauseFunc)
	b.ended = func() error { return context.Cause(ctx) }
	s.large = func() (func(), error) { return c.config.Large(ctx, func() { end(errLarge) }) }
	return s
}

// decodeTask reads an answer that should be one task.
func decodeTask(s *splitter) (Task, error) {
	defer s.begin()
	raw, err := s.value()
	if err != nil {
		return Task{}, cutOff(err)
	}
	t, ok := parseTask(raw)
	if !ok {
		return Task{}, errNoTask
	}
	_, err = s.end(0)
	return t, err
}
