// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock knows how far the cluster's clock is ahead of this machine's, which may have slept. What the API server tells is dated by the
// former.
type clock struct{ ahead atomic.Int64 }

// precision is how exact the API server's Date is, with the time that an answer takes. Less is no difference.
const precision = 5 * time.Second

// Now is what time it is in the cluster, by its last answer.
func (c *Client) Now() time.Time { return time.Now().Add(time.Duration(c.clock.ahead.Load())) }

// wrap has the clock set by each answer.
func (c *clock) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if err != nil {
			return response, err
		}
		if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
			ahead := time.Until(date)
			if ahead.Abs() < precision {
				ahead = 0
			}
			c.ahead.Store(int64(ahead))
		}
		return response, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
