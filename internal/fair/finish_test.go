// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestFinish: work that has begun has a moment to end in, and no more. None begins too late.
func TestFinish(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration // after ctx has ended
		want  error
	}{
		"ends in time": {grace - 1, nil},
		"never ends":   {time.Hour, context.Canceled},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			err := Finish(ctx, func(ctx context.Context) error {
				leave()
				select {
				case <-time.After(c.takes):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
			if err := Finish(ctx, func(context.Context) error { t.Error("began too late"); return nil }); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}
