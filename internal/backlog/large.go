// SPDX-License-Identifier: Apache-2.0

package backlog

import (
	"context"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
)

const (
	// largeTasks is how many large tasks, of up to 4 MiB each, may be read at once for all sources, and namespaceLargeTasks for
	// those of one namespace. Each takes three times its size while it is converted.
	largeTasks          = 16
	namespaceLargeTasks = 4
	// largeWait is how long one may wait for its turn: the API waits for whoever reads.
	largeWait = 5 * time.Second
	// largeTurn is how long a turn lasts where others wait. Its API decides how long it takes otherwise, and may say nothing.
	largeTurn = 2 * time.Second
)

// Large is the room that all sources share for tasks that are large. Others take so little that nobody asks.
type Large struct {
	gate    *fair.Gate
	waiting atomic.Int64
}

// NewLarge returns it.
func NewLarge() *Large { return &Large{gate: fair.NewGate(largeTasks, namespaceLargeTasks)} }

// Enter waits until a source may read a large task, and returns what ends that. end is called where it is the others' turn: the source has
// to give up then. The error is ctx's, or context.DeadlineExceeded after 5 s.
func (l *Large) Enter(ctx context.Context, source types.NamespacedName, end func()) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, largeWait)
	defer cancel()
	l.waiting.Add(1)
	give, err := l.gate.Acquire(ctx, source)
	l.waiting.Add(-1)
	if err != nil {
		return nil, err
	}
	over := &atomic.Bool{}
	l.watch(largeTurn, over, end)
	return func() {
		over.Store(true)
		give()
	}, nil
}

// watch looks after a while whether a turn lasts too long for those who wait.
func (l *Large) watch(after time.Duration, over *atomic.Bool, end func()) {
	time.AfterFunc(after, func() {
		switch {
		case over.Load():
		case l.waiting.Load() > 0:
			end()
		default:
			l.watch(largeTurn/4, over, end)
		}
	})
}
