// SPDX-License-Identifier: Apache-2.0

// Package plan decides what follows from what was observed. Recheck is the table of what a single task's answer means, by why it was
// asked for. All of it is pure: no clock, no network, no cluster.
package plan
