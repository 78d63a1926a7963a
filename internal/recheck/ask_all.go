// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// Batch is what a step asks for at once.
type Batch struct {
	Why        plan.Why
	IDs        []string
	Connection *Connection
	// Until fires when there is something more urgent. Heard is called with each answer.
	Until <-chan time.Time
	Heard func()
}

// AskAll asks for tasks by ID, several at once, until all are answered, one fails, or something else is due. Nothing is written.
func (q *Queue) AskAll(ctx context.Context, batch *Batch) (results map[string]Result, failed error) {
	answered := make(chan Result, len(batch.IDs))
	for _, id := range batch.IDs {
		q.put(&question{id: id, why: batch.Why, connection: batch.Connection, answered: func(r Result) {
			select {
			case answered <- r:
			default: // more than one for a task, which was asked for again
			}
		}})
	}
	results = map[string]Result{}
	defer q.forgo(batch.Why)
	for len(results) < len(batch.IDs) {
		select {
		case result := <-answered:
			if result.Verdict == plan.Fail {
				return results, result.Err
			}
			batch.Heard()
			results[result.ID] = result
		case <-batch.Until:
			return results, nil
		case <-ctx.Done():
			return results, ctx.Err()
		}
	}
	return results, nil
}
