// SPDX-License-Identifier: Apache-2.0

// Package fair shares slots among namespaces first, and among the sources of each namespace next: Gate.Acquire waits for a slot,
// Gate.TryAcquire does not. Free slots go to namespaces in turn (round robin), not to the longest waiter: behind a thousand waiters of one
// namespace, a single waiter of another waits for one slot only. Line is a queue with the same order. Finish lets the holder of a slot
// finish work that it has begun. The package must not know what it shares.
package fair
