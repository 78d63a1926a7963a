// SPDX-License-Identifier: Apache-2.0

// Package election is the lease by which one of several replicas leads, and by which they know each other: NewLock makes the lock
// that a manager elects with. The holder writes the address of its webhook receiver into its name there, and each replica leaves
// a public key, so that they can tell each other's requests from anybody's.
//
// It must not need a right that the election itself does not.
package election
