// SPDX-License-Identifier: Apache-2.0

//go:build !race

package sourcesync

// runsOfAKind is how many accounts are mirrored from each kind of server.
const runsOfAKind = 250
