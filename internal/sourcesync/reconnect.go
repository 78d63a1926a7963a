// SPDX-License-Identifier: Apache-2.0

package sourcesync

import "context"

// reconnects are the looks at a source's connection, of which one is under way at a time: a Secret may change as often as its owner likes.
type reconnects struct {
	underWay bool
	again    bool // something has changed since it began
}

// mayReconnect reports whether to begin a look at the connection. One that is under way is followed by another otherwise.
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

// reconnected ends a look at the connection, and reports whether another one is to follow.
func (s *Source) reconnected() (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again = s.reconnects.again
	s.reconnects = reconnects{underWay: again}
	return again
}

// reconnect looks at the connection until nothing has changed since it did.
func (s *Source) reconnect(ctx context.Context) {
	for more := true; more; more = s.reconnected() && ctx.Err() == nil {
		s.compareConnection(ctx)
	}
}

// compareConnection begins a step at once where the connection is no longer the one that the last step worked with, and ends the one
// that is under way.
func (s *Source) compareConnection(ctx context.Context) {
	source := s.Spec()
	if source == nil {
		return
	}
	connection, err := s.engine.Connect(ctx, source)
	s.mu.Lock()
	// One that was forgotten meanwhile has to be so once more: what was opened now, nobody would close.
	another := err != nil || connection.Fingerprint != s.connection || s.forgotten
	if another && s.step != nil {
		s.step.cancel()
	}
	s.mu.Unlock()
	if another {
		s.StepSoon()
	}
}
