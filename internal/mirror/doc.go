// SPDX-License-Identifier: Apache-2.0

// Package mirror is the core of the operator: what a task of the Livepeer Studio API becomes in the cluster, under which name, and
// what is to be written so that it gets there.
//
// Convert makes an Observation of a task as Studio returned it, EntryOf and ReadList an Entry of a stored one. Plan compares the two
// and returns the actions; PlanLimits and Gone are the only other ways to a deletion. TransitionOf says which change is worth an
// Event, and Reached which is worth a CloudEvent.
//
// All of it is pure: no clock, no network, no cluster. It must not let a credential or a field that it does not know through.
package mirror
