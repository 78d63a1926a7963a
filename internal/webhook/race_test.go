// SPDX-License-Identifier: Apache-2.0

//go:build race

package webhook

// floods is how many requests a flood has: the race detector makes each some 20 times as slow.
const floods = 5_000
