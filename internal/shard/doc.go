// SPDX-License-Identifier: Apache-2.0

// Package shard says which sources an operator serves if several operators share a cluster: Parse reads the label selector for
// sources, LeaseName names the lease that the replicas of one shard share, and Sources is the set of sources that this
// operator serves. No I/O.
//
// It must not know what is done with a source.
package shard
