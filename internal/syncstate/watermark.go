// SPDX-License-Identifier: Apache-2.0

package syncstate

import "time"

// overlap is how far before the newest update seen a poll begins: a row with an earlier update can be committed
// after a later one was seen. 10 s were enough on the real server software.
const overlap = 10 * time.Second

// Watermark says from which status.updatedAt on the next poll asks for changes. It compares update times only with
// update times, and local times only with local times: a clock that differs from Studio's does no harm.
type Watermark struct {
	newest int64     // largest update time seen, in milliseconds since 1970; 0 before anything was
	rose   time.Time // when newest last rose
	// took is how long the poll took that showed newest. If a proxy that says what time it is in Studio is ahead, that may be an update
	// from after the poll's first answer, and earlier ones may be missing.
	took    time.Duration
	settled bool // a poll that began an overlap after newest rose has completed: the overlap need not be read again
}

// Newest returns the largest update time seen, in milliseconds since 1970; 0 before anything was.
func (w *Watermark) Newest() int64 { return w.newest }

// From returns the smallest update time to ask for, in milliseconds since 1970.
func (w *Watermark) From() int64 {
	switch {
	case w.newest == 0:
		return 1
	case w.settled:
		return w.newest + 1
	default:
		return max(1, w.newest-(overlap+w.took).Milliseconds())
	}
}

// polled takes in a completed poll: when it began, when it ended, and the newest update that was there
// when it began.
func (w *Watermark) polled(began, ended time.Time, newest int64) {
	switch {
	case newest > w.newest:
		w.newest, w.rose, w.took, w.settled = newest, ended, ended.Sub(began), false
	case began.Sub(w.rose) >= overlap:
		w.settled = true
	}
}
