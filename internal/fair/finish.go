// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"context"
	"time"
)

// grace is how long what has begun may go on. It is short beside the time that a replica which has lost its lease has left to end.
const grace = 2 * time.Second

// Finish does work that is better not left half done by whoever holds a slot: where ctx ends meanwhile, the work has a moment to end in.
// Where it has ended before, no work begins.
func Finish(ctx context.Context, work func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			end()
		case <-lasting.Done():
		}
	})
	defer stop()
	return work(lasting)
}
