// SPDX-License-Identifier: Apache-2.0

// Package syncstate is the progress of the mirroring of one source, and what follows from it: when to poll and to list, how far
// history goes back, and what the Ready condition says.
//
// State.Resume begins where an earlier process left off, State.Renew takes in changes of the source, and State.Judge decides what
// Ready says. OutcomeOf alone decides what an error means for a source.
//
// The state is in memory only. The package has no clock and does no I/O: its callers tell it what they found. It must not hold listings
// or writes that are under way.
package syncstate
