// SPDX-License-Identifier: Apache-2.0

package backlog

import (
	"context"
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
)

// Large is the room that all sources share for tasks that are large. Others take so little that nobody asks.
type Large struct{ gate *fair.Gate }

// NewLarge returns it.
func NewLarge() *Large { return &Large{fair.NewGate(largeTasks, namespaceLargeTasks)} }

// Enter waits until a source may read a large task, and returns what ends that. The error is ctx's, or context.DeadlineExceeded after 5 s.
func (l *Large) Enter(ctx context.Context, source types.NamespacedName) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, largeWait)
	defer cancel()
	return l.gate.Acquire(ctx, source)
}
