// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// With is what the questions of a source are asked with. An answer that was had with something else may be another account's, or be for
// types that are not mirrored any more, and would be written with another owner.
type With struct {
	Source     types.UID
	Generation int64
	// Fingerprint is that of the connection.
	Fingerprint string
}

// epoch is the time in which the questions of a source are asked with the same.
type epoch struct {
	with   With
	ctx    context.Context //nolint:containedctx // Of all its questions.
	end    context.CancelFunc
	asking sync.WaitGroup // the questions under way
}

func newEpoch(with With) *epoch {
	e := &epoch{with: with}
	e.ctx, e.end = context.WithCancel(context.Background())
	return e
}

// Renew has the questions under way asked again if what they are asked with has changed. It returns once none of the others is under way:
// what they were writing is stored.
func (q *Queue) Renew(with With) {
	q.mu.Lock()
	before := q.epoch
	if before == nil || before.with == with || before.ctx.Err() != nil {
		q.mu.Unlock()
		return
	}
	q.epoch = newEpoch(with)
	for _, ask := range q.pending {
		if ask.asking == nil { // otherwise the step that asked decides
			ask.renewed++
		}
	}
	q.mu.Unlock()
	before.end()
	before.asking.Wait()
}

// Wait waits, after Close, until no question is under way.
func (q *Queue) Wait() {
	q.mu.Lock()
	last := q.epoch
	q.mu.Unlock()
	if last != nil {
		last.asking.Wait()
	}
}

// within asks a question, until its epoch or the engine ends.
func (q *Queue) within(engine context.Context, epoch *epoch, ask *question) followUp {
	defer epoch.asking.Done()
	ctx, cancel := context.WithCancel(epoch.ctx)
	defer cancel()
	defer context.AfterFunc(engine, cancel)()
	return q.contained(ctx, ask)
}
