// SPDX-License-Identifier: Apache-2.0

// Package syncstate is how far the mirroring of one source has come, and what follows from that: when to poll and to list, how far
// history goes back, and what the Ready condition says.
//
// State.Resume begins where an earlier process left off, State.Renew takes in what changed about the source, State.Judge says how it
// is. OutcomeOf alone decides what an error means for a source.
//
// The package keeps all of it in memory only, knows no clock, and asks nobody: what was found out is told to it. It must not hold what
// is under way.
package syncstate
