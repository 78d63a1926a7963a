// SPDX-License-Identifier: Apache-2.0

// Package syncstep is what one step of the mirroring of a source does: it polls, goes on with a full sync, and has what differs written in
// batches, for a few seconds.
//
// Run is the door. State holds how far the source has come, and what is under way from one step to the next.
//
// It must not decide when the next step is, nor know of other sources.
package syncstep
