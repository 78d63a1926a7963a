// SPDX-License-Identifier: Apache-2.0

//go:build !race

package webhook

// floods is how many requests a flood has.
const floods = 50_000
