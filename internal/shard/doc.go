// SPDX-License-Identifier: Apache-2.0

// Package shard says which sources an operator serves where several share a cluster, and how they keep apart: Parse reads the
// selector of the sources' labels, LeaseName names the lease that the replicas of one shard share, Sources are those that this
// operator serves. No I/O.
//
// It must not know what is done with a source.
package shard
