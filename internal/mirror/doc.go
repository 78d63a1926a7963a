// SPDX-License-Identifier: Apache-2.0

// Package mirror is the core of the operator: what a task of the Livepeer Studio API becomes in the cluster, and under which name.
//
// Convert makes an Observation of a task as Studio returned it; EntryOf and ReadEntry make an Entry of a stored one. SpecDigest and
// StatusDigest tell whether the two differ. TransitionOf says which change is worth an Event, and Reached which is worth a
// CloudEvent.
//
// All of it is pure: no clock, no network, no cluster. It must not let through a credential or an unknown field, or decide what is
// written.
package mirror
