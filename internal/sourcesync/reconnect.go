// SPDX-License-Identifier: Apache-2.0

package sourcesync

import "context"

// reconnects sees to it that a source has one check of its connection at a time: its Secret may change as often as its owner likes.
type reconnects struct {
	underWay bool
	again    bool // something has changed since the check began
}

// mayReconnect reports whether to begin a check of the connection. If one is under way, another will follow it.
func (s *Source) mayReconnect() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reconnects.underWay {
		s.reconnects.again = true
		return false
	}
	s.reconnects.underWay = true
	return true
}

// reconnected ends a check of the connection, and reports whether another one has to follow.
func (s *Source) reconnected() (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again = s.reconnects.again
	s.reconnects = reconnects{underWay: again}
	return again
}

// reconnect checks the connection until nothing has changed since the check began.
func (s *Source) reconnect(ctx context.Context) {
	for more := true; more; more = s.reconnected() && ctx.Err() == nil {
		s.compareConnection(ctx)
	}
}

// compareConnection cancels the step under way and begins another at once, if the connection is no longer the one that the last step
// worked with.
func (s *Source) compareConnection(ctx context.Context) {
	source := s.Spec()
	if source == nil {
		return
	}
	connection, err := s.engine.Connect(ctx, source)
	s.mu.Lock()
	// A source that was forgotten meanwhile is woken to be forgotten once more: nobody else would close what Connect has opened.
	another := err != nil || connection.Fingerprint != s.connection || s.forgotten
	if another && s.step != nil {
		s.step.cancel()
	}
	s.mu.Unlock()
	if another {
		s.StepSoon()
	}
}
