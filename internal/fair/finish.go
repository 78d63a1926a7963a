// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"context"
	"time"
)

// grace is how long work that has begun may go on. It is short compared with the time that a replica has to exit after it lost its lease.
const grace = 2 * time.Second

// Finish does work that should not be left half done: if ctx ends meanwhile, the work has a grace period to finish in. If ctx has ended
// before, the work does not begin.
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
