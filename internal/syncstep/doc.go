// SPDX-License-Identifier: Apache-2.0

// Package syncstep is one step of the mirroring of a source: for a few seconds it polls, goes on with a full sync, and writes in batches
// what differs.
//
// Run is the entry point. State holds the progress of the source, and what is under way from one step to the next.
//
// It must not decide when the next step is, nor know of other sources.
package syncstep
