// SPDX-License-Identifier: Apache-2.0

//go:build race

package sourcesync

// runsOfAKind is how many accounts are mirrored from each kind of server. The race detector makes them 20 times as slow;
// make test runs all of them without it.
const runsOfAKind = 6
