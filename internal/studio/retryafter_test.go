// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// TestRetryAfterIsForAllThatAsk: where the API wants to be left alone, nobody asks it with this client: neither a listing that is under way,
// nor who asks for a single task, whatever else went wrong meanwhile. Then it is asked again.
func TestRetryAfterIsForAllThatAsk(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		var asked atomic.Int32
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) == 1 {
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(status)
				return
			}
			_, _ = w.Write([]byte("[]"))
		}))
		now := time.Now()
		c.config.Now = func() time.Time { return now }
		pass := c.NewPass(Query{})
		_, err := c.Get(t.Context(), "a")
		first := apiError(t, err, kindOf(status))
		now = now.Add(20 * time.Second)
		err = pass.Next(t.Context(), all)
		later := apiError(t, err, kindOf(status))
		if first.RetryAfter != time.Minute || later.RetryAfter != 40*time.Second || later.Message != first.Message || asked.Load() != 1 {
			t.Errorf("%d: asked %d times, %v then %v: %s", status, asked.Load(), first.RetryAfter, later.RetryAfter, later.Message)
		}
		now = now.Add(41 * time.Second)
		if err := pass.Next(t.Context(), all); err != nil || asked.Load() != 2 {
			t.Errorf("%d: asked %d times in the end, %v", status, asked.Load(), err)
		}
	}
}
