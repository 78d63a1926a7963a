// SPDX-License-Identifier: Apache-2.0

// Package election is the lease by which replicas elect a leader and know each other: NewLock makes the manager's lock. The holder's
// identity in the lease contains the address of its webhook receiver. Each replica puts a public key there, so that replicas can
// tell each other's requests from anybody else's.
//
// It must not need a right that the election itself does not need.
package election
