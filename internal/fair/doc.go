// SPDX-License-Identifier: Apache-2.0

// Package fair shares what is scarce among namespaces first, and among the sources of a namespace next: Gate.Acquire is the way in,
// or TryAcquire for who can't wait. Next is not who has waited longest, but whose namespace has: a thousand waiters of one namespace
// keep another's single one waiting for one slot. Line is the same for things that wait, and Finish lets who holds a slot end what it has
// begun. It must not know what it shares.
package fair
