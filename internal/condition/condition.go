// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"time"
	"unicode/utf8"
)

// MaxMessage bounds a condition's message; the API server refuses more than 32 KiB.
const MaxMessage = 2048

// Error is a problem of a source as a condition reports it: with its Reason and Message. Stalled says that it does not
// go away by itself.
type Error struct {
	Reason  string
	Message string
	Stalled bool
	Err     error
}

func (e *Error) Error() string { return e.Reason + ": " + e.Message }

func (e *Error) Unwrap() error { return e.Err }

// Backoff doubles a delay with each failure after the first, up to a limit, and is never shorter than the delay.
func Backoff(failures int, delay, limit time.Duration) time.Duration {
	paused := delay
	for range failures - 1 {
		if paused >= limit {
			break
		}
		paused *= 2
	}
	return max(delay, min(paused, limit))
}

// Bounded cuts a text that is longer than limit bytes, between two characters.
func Bounded(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}
