// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"crypto/tls"
	"sync"
)

// maxSession bounds what is kept to resume a TLS session, in bytes: most of it are the certificates of server and authorities.
const maxSession = 32 << 10

// lastSession keeps the last TLS session with a server, as bytes: parsed certificates can take 16 times as much. One that is
// too large is not resumed.
type lastSession struct {
	mu            sync.Mutex
	key           string
	ticket, state []byte
}

// Put keeps a session; nil: none.
func (l *lastSession) Put(key string, session *tls.ClientSessionState) {
	var state []byte
	ticket, resumable, err := session.ResumptionState()
	if err == nil && resumable != nil {
		state, err = resumable.Bytes()
	}
	if err != nil || len(ticket)+len(state) > maxSession {
		ticket, state = nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.key, l.ticket, l.state = key, ticket, state
}

// Get returns the session, unless there is none.
func (l *lastSession) Get(key string) (*tls.ClientSessionState, bool) {
	l.mu.Lock()
	ticket, state := l.ticket, l.state
	known := l.key == key && state != nil
	l.mu.Unlock()
	if !known {
		return nil, false
	}
	resumable, err := tls.ParseSessionState(state)
	if err != nil {
		return nil, false
	}
	session, err := tls.NewResumptionState(ticket, resumable)
	return session, err == nil
}
