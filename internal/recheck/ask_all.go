// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// Batch is a set of questions that a step asks together.
type Batch struct {
	Why        plan.Why
	IDs        []string
	Connection *Connection
	// Until fires when there is something more urgent. Heard is called with each answer.
	Until <-chan time.Time
	Heard func()
}

// AskAll asks for tasks by ID, several at once, until all are answered, one fails, or batch.Until fires. It writes nothing.
func (q *Queue) AskAll(ctx context.Context, batch *Batch) (results map[string]Result, failed error) {
	asking := q.NewAsking(batch.Why, batch.Connection)
	defer asking.Stop()
	results = map[string]Result{}
	for rest := batch.IDs; len(rest) > 0 || asking.Open(); {
		for ; len(rest) > 0 && asking.Room(); rest = rest[1:] {
			asking.Ask(rest[0])
		}
		result, ok, err := asking.Next(ctx, batch.Until)
		switch {
		case !ok:
			return results, err
		case result.Verdict == plan.Fail:
			return results, result.Err
		}
		batch.Heard()
		results[result.ID] = result
	}
	return results, nil
}
