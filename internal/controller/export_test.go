// SPDX-License-Identifier: Apache-2.0

package controller

import "k8s.io/utils/clock"

// WithClock has the operator live by another clock.
func WithClock(c clock.WithDelayedExecution) Option {
	return func(s *settings) { s.clock = c }
}
