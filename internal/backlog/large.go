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
	// largeWait is how long a task may wait for its turn: its API's connection waits meanwhile.
	largeWait = 5 * time.Second
	// largeTurn is how long a turn may last while others wait. Otherwise the API decides how long it lasts, and it may send nothing.
	largeTurn = 2 * time.Second
)

// Large is the room that all sources share for large tasks. Small ones need none.
type Large struct{ gate *fair.Gate }

// NewLarge returns an empty room.
func NewLarge() *Large { return &Large{gate: fair.NewGate(largeTasks, namespaceLargeTasks)} }

// Enter waits until a source may read a large task; release ends its turn. Enter calls end once the turn has lasted too long for others
// that wait for it: the source then has to give up. The error is ctx's, or context.DeadlineExceeded after 5 s.
func (l *Large) Enter(ctx context.Context, source types.NamespacedName, end func()) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, largeWait)
	defer cancel()
	give, err := l.gate.Acquire(ctx, source)
	if err != nil {
		return nil, err
	}
	over := &atomic.Bool{}
	l.watch(source, largeTurn, over, end)
	return func() {
		over.Store(true)
		give()
	}, nil
}

// watch checks after a while whether others wait for a turn to end, and ends it if so.
func (l *Large) watch(source types.NamespacedName, after time.Duration, over *atomic.Bool, end func()) {
	time.AfterFunc(after, func() {
		switch {
		case over.Load():
		case l.gate.Wanted(source):
			end()
		default:
			l.watch(source, largeTurn/4, over, end)
		}
	})
}
