// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
)

// Forget cancels what a source has under way, and forgets the source. What had begun to be written is written: if the source comes back
// meanwhile, perhaps with another spec, its first step waits for that.
func (e *Engine) Forget(key types.NamespacedName) {
	e.mu.Lock()
	s, ok := e.sources[key]
	delete(e.sources, key)
	left := make(chan struct{})
	if ok {
		e.leaving[key] = left
	}
	e.mu.Unlock()
	if !ok {
		return
	}
	under := s.end()
	if !e.run(func(context.Context) {
		s.left(under)
		e.left(key, left)
	}) {
		e.left(key, left)
	}
}

// left notes that nothing of a source that was forgotten is under way any more.
func (e *Engine) left(key types.NamespacedName, left chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(left)
	if e.leaving[key] == left {
		delete(e.leaving, key)
	}
}

// end cancels what is under way, and returns the step, if one is.
func (s *Source) end() (under *step) {
	s.mu.Lock()
	s.forgotten = true
	if s.alarm != nil {
		s.alarm.Stop()
	}
	s.drop()
	under = s.step
	s.mu.Unlock()
	s.rechecks.Close()
	return under
}

// left waits until nothing is under way, of earlier sources of this key either.
func (s *Source) left(under *step) {
	if s.before != nil {
		<-s.before
	}
	if under != nil {
		<-under.ended
	}
	s.rechecks.Wait()
}

// renew ends the questions under way that were asked for an earlier source, spec or account, before it is listed.
func (s *Source) renew(ctx context.Context, source *v1alpha1.LivepeerTaskSource, connection *Connection) {
	s.writing.Store(true)
	defer s.writing.Store(false)
	if s.before != nil {
		select {
		case <-s.before:
		case <-ctx.Done():
			return
		}
	}
	s.rechecks.Renew(recheck.With{Source: source.UID, Generation: source.Generation, Fingerprint: connection.Fingerprint})
}
